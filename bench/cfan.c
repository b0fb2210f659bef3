/* cfan: the limit. An epoll WebSocket server that does nothing but send() pre-built frames: one core's physics.
   Build: cc -O2 -o cfan cfan.c    Run: cfan CONTROL_FILE (prints the port that it took).
   One write a client and turn holds all messages of that turn. A client that does not read is waited for up to
   200 ms a write and then loses the rest: this is a yardstick, not a server. No library is needed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "control.h"

#define MAX_FDS 70000
#define MAX_TOPICS 1000
#define MAX_BURST 512
#define FRAME_ROOM 512

enum { FREE, HANDSHAKE, OPEN };
typedef struct { int *fds, count, room; } topic_t;

static unsigned char state[MAX_FDS];
static topic_t topics[MAX_TOPICS];
static char burst[MAX_BURST * FRAME_ROOM];

static uint64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint32_t rol(uint32_t v, int bits) { return v << bits | v >> (32 - bits); }

static void sha1(const uint8_t *data, size_t length, uint8_t *out) { /* of at most 100 bytes */
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t block[192] = {0};
    size_t total = ((length + 8) / 64 + 1) * 64;
    memcpy(block, data, length);
    block[length] = 0x80;
    for (int i = 0; i < 8; i++) block[total - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    for (size_t at = 0; at < total; at += 64) {
        uint32_t w[80];
        for (int i = 0; i < 16; i++) {
            const uint8_t *p = block + at + 4 * i;
            w[i] = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
        }
        for (int i = 16; i < 80; i++) w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20) { f = (b & c) | (~b & d); k = 0x5A827999; }
            else if (i < 40) { f = b ^ c ^ d; k = 0x6ED9EBA1; }
            else if (i < 60) { f = (b & c) | (b & d) | (c & d); k = 0x8F1BBCDC; }
            else { f = b ^ c ^ d; k = 0xCA62C1D6; }
            uint32_t t = rol(a, 5) + f + e + k + w[i];
            e = d; d = c; c = rol(b, 30); b = a; a = t;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
    }
    for (int i = 0; i < 20; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t *digest, char *out) { /* of 20 bytes */
    static const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 20; i += 3) {
        uint32_t v = (uint32_t)digest[i] << 16 | (i + 1 < 20 ? digest[i + 1] << 8 : 0) | (i + 2 < 20 ? digest[i + 2] : 0);
        *out++ = letters[v >> 18];
        *out++ = letters[v >> 12 & 63];
        *out++ = i + 1 < 20 ? letters[v >> 6 & 63] : '=';
        *out++ = i + 2 < 20 ? letters[v & 63] : '=';
    }
    *out = 0;
}

static int build(char *out, uint64_t number, int topic, uint64_t late) { /* the message of messages.py as a frame */
    char text[FRAME_ROOM - 8];
    int length = snprintf(text, sizeof text,
        "{\"type\":\"trade\",\"exchange\":\"bench\",\"symbol\":\"T%03d\",\"trade_id\":\"%026lu\",\"timestamp\":%lu,"
        "\"price\":65000.25,\"volume\":0.125,\"side\":\"buy\",\"seq\":%lu,\"prev\":%lu}",
        topic, (unsigned long)number, (unsigned long)(now(CLOCK_REALTIME) - late), (unsigned long)number + 1, (unsigned long)number);
    out[0] = (char)0x81;
    out[1] = 126;
    out[2] = (char)(length >> 8);
    out[3] = (char)length;
    memcpy(out + 4, text, length);
    return length + 4;
}

static void send_all(int fd, const char *bytes, int count) {
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            struct pollfd wait = {fd, POLLOUT, 0};
            if (errno != EAGAIN || poll(&wait, 1, 200) <= 0) return;
            continue;
        }
        bytes += sent;
        count -= sent;
    }
}

static void subscribe(int fd, int topic) {
    topic_t *t = &topics[topic];
    if (t->count == t->room) t->fds = realloc(t->fds, (t->room = t->room * 2 + 64) * sizeof(int));
    t->fds[t->count++] = fd;
}

static void leave(int fd) {
    for (int k = 0; k < MAX_TOPICS; k++)
        for (int i = 0; i < topics[k].count; i++)
            if (topics[k].fds[i] == fd) topics[k].fds[i--] = topics[k].fds[--topics[k].count];
    state[fd] = FREE;
    close(fd);
}

static void handshake(int fd, char *request) {
    char *key = strcasestr(request, "Sec-WebSocket-Key: ");
    if (!key) { leave(fd); return; }
    char text[64], accept_key[40], answer[256];
    uint8_t digest[20];
    memcpy(text, key + 19, 24);
    memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1((uint8_t *)text, 60, digest);
    base64(digest, accept_key);
    int length = snprintf(answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
        accept_key);
    send(fd, answer, length, MSG_NOSIGNAL);
    state[fd] = OPEN;
}

static void take(int fd, char *bytes, ssize_t count) { /* frames of the load client: short ones, masked with 0 */
    while (count >= 6) {
        int length = bytes[1] & 127, header = 6;
        if (length == 126) { length = (uint8_t)bytes[2] << 8 | (uint8_t)bytes[3]; header = 8; }
        if (count < header + length) return;
        if ((bytes[0] & 15) == 1) {
            char text[512] = {0};
            memcpy(text, bytes + header, length < 511 ? length : 511);
            char *name = strstr(text, "\"topic\":\"");
            int topic = name ? atoi(name + 9) : 0;
            static const char ack[] = "\x81\x0f{\"type\":\"ack\"} ";
            if (topic >= 0 && topic < MAX_TOPICS) subscribe(fd, topic);
            send(fd, ack, sizeof ack - 1, MSG_NOSIGNAL);
        }
        bytes += header + length;
        count -= header + length;
    }
}

int main(int argc, char **argv) {
    if (argc < 2) { fprintf(stderr, "usage: cfan CONTROL_FILE\n"); return 2; }
    volatile uint64_t *control = control_open(argv[1]);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, size) || listen(listener, 4096)) { perror("listen"); return 1; }
    getsockname(listener, (void *)&address, &size);
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);

    static char bytes[65536];
    uint64_t generation = 0, sent = 0, received = 0, due = 0, number = 0;
    int wait = 5;
    for (;;) {
        int count = epoll_wait(ep, events, 512, wait);
        for (int k = 0; k < count; k++) {
            int fd = events[k].data.fd;
            if (fd == listener) {
                int client;
                for (int m = 0; m < 64 && (client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0; m++) {
                    if (client >= MAX_FDS) { close(client); continue; }
                    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    struct epoll_event added = {.events = EPOLLIN, .data.fd = client};
                    epoll_ctl(ep, EPOLL_CTL_ADD, client, &added);
                    state[client] = HANDSHAKE;
                }
                continue;
            }
            ssize_t got = recv(fd, bytes, sizeof bytes - 1, 0);
            if (got <= 0) {
                if (got < 0 && errno == EAGAIN) continue;
                leave(fd);
                continue;
            }
            bytes[got] = 0;
            if (state[fd] == HANDSHAKE) handshake(fd, bytes);
            else take(fd, bytes, got);
        }
        if (control[C_GENERATION] != generation) {
            generation = control[C_GENERATION];
            sent = 0;
            received = control[C_RECEIVED];
            due = now(CLOCK_MONOTONIC);
        }
        uint64_t late = 0; /* more than 2 ms count as latency: see Pacer.next in control.py */
        wait = 5;
        int messages = (int)control[C_BURST];
        if (messages > MAX_BURST) messages = MAX_BURST;
        if (control[C_MODE] == MODE_IDLE) continue;
        if (control[C_MODE] == MODE_SATURATE) {
            uint64_t readers = control[C_READERS];
            wait = 0;
            if (sent * readers >= control[C_RECEIVED] - received + control[C_WINDOW] * readers) {
                struct timespec pause = {0, 500000};
                nanosleep(&pause, NULL);
                continue;
            }
        } else {
            uint64_t t = now(CLOCK_MONOTONIC);
            wait = 0;
            if (t < due) {
                uint64_t left = due - t;
                if (left > 1000000) { wait = 1; continue; }
                struct timespec pause = {0, (long)left};
                nanosleep(&pause, NULL);
                continue;
            }
            if (t - due > 2000000) late = t - due;
            due += 1000000000000ull * messages / control[C_RATE];
        }
        if (control[C_TOPICS] > 1) {
            for (int b = 0; b < messages; b++) {
                int topic = (int)(number % control[C_TOPICS]), length = build(burst, number, topic, late);
                number++;
                for (int i = 0; i < topics[topic].count; i++) send_all(topics[topic].fds[i], burst, length);
            }
        } else {
            int length = 0;
            for (int b = 0; b < messages; b++) length += build(burst + length, number++, 0, late);
            for (int i = 0; i < topics[0].count; i++) send_all(topics[0].fds[i], burst, length);
        }
        sent += messages;
        control[C_SENT] = sent;
    }
}
