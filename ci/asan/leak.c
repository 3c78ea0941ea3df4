/* For the self-test: loses memory, and an object of Python's. */
#include <Python.h>
#include <stdlib.h>

void leak(size_t length) {
    for (int i = 0; i < 100; i++) {
        volatile char *lost = malloc(length);
        lost[0] = 1;
    }
}

/* As a reference that nobody gives back: the GIL is held. */
void leak_object(void) {
    for (int i = 0; i < 100; i++) (void)PyBytes_FromStringAndSize(NULL, 1000);
}
