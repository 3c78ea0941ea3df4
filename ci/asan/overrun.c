/* For the self-test: writes one byte behind its buffer. */
#include <stdlib.h>

void overrun(size_t length) {
    volatile char *buffer = malloc(length);
    buffer[length] = 1;
    free((void *)buffer);
}
