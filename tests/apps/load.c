/*
 * load PROTOCOL PORT CONNECTIONS REQUESTS [DETAIL]: a bounded load for a server on 127.0.0.1; every answer is checked.
 * load free-port: prints a port that nobody listens on.
 *   http        GET of the path DETAIL (default /), connections kept alive; status 200 and Content-Length bytes of body
 *   http-close  the same, a connection per request
 *   redis       SET and GET in turn, values of DETAIL bytes (default 64), keys of 10,000
 *   memcached   one set in ten, the rest get, values of DETAIL bytes (default 100), keys of 10,000
 * One request is outstanding on each connection. Which connection asks what does not depend on the order of the answers.
 * The server may still be starting: the first connection is tried for ten seconds.
 * Prints `N requests in S s, C s of CPU` and, for the key-value protocols, how many gets found a value. Status 1 when anything is wrong,
 * also when nothing comes for 20 seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 512, REPLY_HEAD = 4096, WAIT_MS = 20000, KEYS = 10000, MAX_VALUE = 65536 };

enum protocol { HTTP, HTTP_CLOSE, REDIS, MEMCACHED };

struct connection {
    int fd, get;
    unsigned long key; /* what was asked for last */
    long left;        /* requests still to send */
    uint64_t state;   /* of its random numbers */
    size_t used;      /* bytes of `head` that are filled */
    long body;        /* bytes of an HTTP body still to come; -1: the head is not complete */
    char head[REPLY_HEAD + MAX_VALUE];
};

static enum protocol protocol;
static int port, loop, running, started;
static struct timespec from;
static long done, hits;
static long value_bytes;
static const char *path;
static char value[MAX_VALUE];

static void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "load: after %ld requests: ", done);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t next(struct connection *c) /* splitmix64 */
{
    uint64_t z = (c->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void connect_to(struct connection *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    struct timespec pause = {0, 10000000};
    int one = 1, tries = 1000;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (;;) {
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0)
            break;
        if (started || errno != ECONNREFUSED || --tries == 0)
            die("connect: %s", strerror(errno));
        close(c->fd);
        nanosleep(&pause, NULL);
    }
    if (!started) {
        started = 1;
        clock_gettime(CLOCK_MONOTONIC, &from);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll: %s", strerror(errno));
}

static void ask(struct connection *c)
{
    static char text[MAX_VALUE + 256];
    int length = 0;
    unsigned long key;
    if (c->left-- <= 0) {
        close(c->fd);
        running--;
        return;
    }
    if (protocol == HTTP_CLOSE && c->fd < 0)
        connect_to(c);
    c->used = 0;
    c->body = -1;
    key = c->key = next(c) % KEYS;
    switch (protocol) {
    case HTTP:
    case HTTP_CLOSE:
        length = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path,
                          protocol == HTTP ? "" : "Connection: close\r\n");
        break;
    case REDIS:
        c->get = !c->get;
        if (c->get)
            length = snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$9\r\nkey:%05lu\r\n", key);
        else
            length = snprintf(text, sizeof text, "*3\r\n$3\r\nSET\r\n$9\r\nkey:%05lu\r\n$%ld\r\n%.*s\r\n", key, value_bytes,
                              (int)value_bytes, value);
        break;
    case MEMCACHED:
        c->get = next(c) % 10 != 0;
        if (c->get)
            length = snprintf(text, sizeof text, "get key%05lu\r\n", key);
        else
            length = snprintf(text, sizeof text, "set key%05lu 0 0 %ld\r\n%.*s\r\n", key, value_bytes, (int)value_bytes, value);
        break;
    }
    if (send(c->fd, text, (size_t)length, MSG_NOSIGNAL) != length)
        die("send: %s", strerror(errno));
}

static int ends_with(const struct connection *c, const char *end)
{
    size_t n = strlen(end);
    return c->used >= n && memcmp(c->head + c->used - n, end, n) == 0;
}

/* Whether the answer of a key-value server is complete. */
static int complete(struct connection *c)
{
    const char *head = c->head;
    if (protocol == MEMCACHED) {
        if (!c->get)
            return ends_with(c, "STORED\r\n");
        if (!ends_with(c, "END\r\n"))
            return 0;
        if (c->used > 5) {
            char first[64];
            size_t n = (size_t)snprintf(first, sizeof first, "VALUE key%05lu 0 %ld\r\n", c->key, value_bytes);
            if (strncmp(head, first, n) != 0 || c->used != n + (size_t)value_bytes + 7 ||
                memcmp(head + n, value, (size_t)value_bytes) != 0)
                die("unexpected answer: %.60s", head);
            hits++;
        }
        return 1;
    }
    if (!c->get)
        return ends_with(c, "\r\n") && (strcmp(head, "+OK\r\n") == 0 || (die("unexpected answer: %.60s", head), 0));
    if (!ends_with(c, "\r\n"))
        return 0;
    if (strcmp(head, "$-1\r\n") == 0)
        return 1;
    if (head[0] != '$')
        die("unexpected answer: %.60s", head);
    const char *line = strstr(head, "\r\n");
    if (line == NULL || c->used != (size_t)(line - head) + 2 + (size_t)atol(head + 1) + 2)
        return 0;
    hits++;
    return 1;
}

/* The head of an HTTP answer: sets the bytes of body that are missing. */
static void read_head(struct connection *c)
{
    char *end = strstr(c->head, "\r\n\r\n"), *length;
    if (end == NULL) {
        if (c->used >= REPLY_HEAD)
            die("the head of the answer does not end");
        return;
    }
    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0)
        die("unexpected answer: %.60s", c->head);
    length = strcasestr(c->head, "\r\nContent-Length:");
    if (length == NULL || length > end)
        die("an answer without Content-Length");
    c->body = atol(length + 17) - (long)(c->used - (size_t)(end + 4 - c->head));
}

/* Takes what has come; asks again when the answer is complete. */
static void receive(struct connection *c)
{
    static char sink[1 << 18];
    int http = protocol == HTTP || protocol == HTTP_CLOSE;
    char *to = http && c->body >= 0 ? sink : c->head + c->used;
    size_t room = to == sink ? sizeof sink : (http ? (size_t)REPLY_HEAD : sizeof c->head - 1) - c->used;
    ssize_t n = recv(c->fd, to, room, 0);
    if (n <= 0)
        die("%s", n == 0 ? "the server closed a connection" : strerror(errno));
    if (to == sink) {
        c->body -= n;
    } else {
        c->used += (size_t)n;
        c->head[c->used] = 0;
        if (http)
            read_head(c);
        else if (complete(c))
            c->body = 0;
    }
    if (c->body < -1 || (http && c->body < 0 && to == sink))
        die("more than was asked for");
    if (c->body == 0) {
        done++;
        if (protocol == HTTP_CLOSE) {
            close(c->fd);
            c->fd = -1;
            if (c->left <= 0) {
                running--;
                return;
            }
        }
        ask(c);
    }
}

static int print_free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
        perror("load: free-port");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    return 0;
}

int main(int count, char **words)
{
    static const char *const names[] = {"http", "http-close", "redis", "memcached"};
    struct timespec to;
    struct rusage usage;
    int known = 0;
    if (count == 2 && strcmp(words[1], "free-port") == 0)
        return print_free_port();
    if (count < 5) {
        fprintf(stderr, "usage: load http|http-close|redis|memcached PORT CONNECTIONS REQUESTS [DETAIL]\n");
        return 2;
    }
    for (int i = 0; i < 4; i++)
        if (strcmp(words[1], names[i]) == 0) {
            protocol = (enum protocol)i;
            known = 1;
        }
    port = atoi(words[2]);
    int connections = atoi(words[3]);
    long requests = atol(words[4]);
    path = count > 5 ? words[5] : "/";
    value_bytes = count > 5 ? atol(words[5]) : protocol == REDIS ? 64 : 100;
    if (!known || port <= 0 || connections < 1 || connections > MAX_CONNECTIONS || requests < connections || value_bytes < 0 ||
        value_bytes > MAX_VALUE - 512) {
        fprintf(stderr, "load: what is asked for makes no sense\n");
        return 2;
    }
    memset(value, 'x', sizeof value);
    loop = epoll_create1(EPOLL_CLOEXEC);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    if (loop < 0 || all == NULL)
        die("no memory");
    running = connections;
    for (int i = 0; i < connections; i++) {
        all[i].state = (uint64_t)i + 1;
        all[i].left = requests / connections + (i < requests % connections);
        connect_to(&all[i]);
    }
    for (int i = 0; i < connections; i++)
        ask(&all[i]);
    while (running > 0) {
        struct epoll_event events[64];
        int n = epoll_wait(loop, events, 64, WAIT_MS);
        if (n == 0 || (n < 0 && errno != EINTR))
            die("nothing came for %d ms", WAIT_MS);
        for (int i = 0; i < n; i++)
            receive(events[i].data.ptr);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld requests in %.4f s, %.4f s of CPU\n", done,
           (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    if (protocol == REDIS || protocol == MEMCACHED)
        printf("%ld hits\n", hits);
    return 0;
}
