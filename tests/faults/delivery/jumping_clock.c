/* A wall clock that jumps, for one process: LD_PRELOAD this. The seconds by which it is wrong are a text in the file that JUMPING_CLOCK
 * names; it is looked at about every millisecond. Other clocks are as they are. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long offset(void) {
    static long seconds;
    static struct timespec looked;
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    if (now.tv_sec != looked.tv_sec || now.tv_nsec - looked.tv_nsec > 1000000) {
        const char *path = getenv("JUMPING_CLOCK");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        char text[32] = {0};
        looked = now;
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) seconds = atol(text);
            close(file);
        }
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    int status = (int)syscall(SYS_clock_gettime, clock, out);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += offset();
    return status;
}

int gettimeofday(struct timeval *out, void *zone) {
    int status = (int)syscall(SYS_gettimeofday, out, zone);
    if (status == 0 && out) out->tv_sec += offset();
    return status;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
