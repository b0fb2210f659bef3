/* control: the page of shared memory by which the load client drives a server. See control.py for its meaning.
   All numbers are unsigned 64-bit. The load client writes everything but C_SENT. */
#ifndef BENCH_CONTROL_H
#define BENCH_CONTROL_H
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    C_GENERATION, /* raised after each change of what follows */
    C_MODE,
    C_BURST,    /* messages in one turn of the loop */
    C_RATE,     /* messages in a thousand seconds, all topics together */
    C_TOPICS,
    C_READERS,  /* how many clients read a message */
    C_RECEIVED, /* frames that all clients have read */
    C_WINDOW,   /* C_MODE saturate: so many messages a client may be on their way */
    C_SENT,     /* messages published in this generation */
    C_WORDS = 16
};
enum { MODE_IDLE, MODE_SATURATE, MODE_RATE };

static volatile uint64_t *control_open(const char *path) {
    int fd = open(path, O_RDWR);
    if (fd < 0) { perror(path); exit(2); }
    void *page = mmap(NULL, C_WORDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) { perror("mmap"); exit(2); }
    close(fd);
    return page;
}
#endif
