/*
 * httpd [-p PORT] [-n REQUESTS] [-t SECONDS] FOLDER: a small HTTP/1.1 file server for tests.
 *
 * Listens on 127.0.0.1 only, prints the port (one line) when ready, serves the files of FOLDER with keep-alive and ends
 * by itself: after REQUESTS requests (default 100000) or SECONDS (default 300). Equal requests get byte-identical
 * answers (no Date, a fixed Last-Modified). "?chunked" asks for a chunked answer, "?close" to close after it.
 * One thread: a connection that has data is served until its answer is written.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 64, MAX_REQUEST = 16384, CHUNK = 8000, IO_SECONDS = 20 };

struct connection {
    int fd;
    size_t used; /* bytes of `text` that are filled */
    char text[MAX_REQUEST];
};

static struct connection connections[MAX_CONNECTIONS];
static int open_connections;
static int folder;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

static int send_body(int fd, int file, off_t size)
{
    off_t done = 0;

    while (done < size) {
        ssize_t n = sendfile(fd, file, &done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
    }
    return 0;
}

static int send_chunks(int fd, int file)
{
    char data[CHUNK], head[16];
    ssize_t n;

    while ((n = read(file, data, sizeof data)) > 0) {
        int length = snprintf(head, sizeof head, "%zx\r\n", (size_t)n);
        if (send_all(fd, head, (size_t)length) || send_all(fd, data, (size_t)n) || send_all(fd, "\r\n", 2))
            return -1;
    }
    return n < 0 ? -1 : send_all(fd, "0\r\n\r\n", 5);
}

static int send_error(int fd, const char *status, int keep, int head_only)
{
    char text[512];
    int length = snprintf(text, sizeof text,
                          "HTTP/1.1 %s\r\nServer: itarget-test\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                          "Connection: %s\r\n\r\n%s%s",
                          status, strlen(status) + 1, keep ? "keep-alive" : "close", head_only ? "" : status,
                          head_only ? "" : "\n");
    return send_all(fd, text, (size_t)length);
}

static const char *content_type(const char *path)
{
    const char *dot = strrchr(path, '.');

    if (dot && strcmp(dot, ".html") == 0)
        return "text/html";
    if (dot && strcmp(dot, ".txt") == 0)
        return "text/plain";
    return "application/octet-stream";
}

/* Answers the request whose head is `text` (NUL-terminated); returns whether the connection stays open. */
static int answer(int fd, char *text)
{
    char method[8], target[2048], version[16], path[2100], head[512];
    struct stat st;

    if (sscanf(text, "%7s %2047s %15s", method, target, version) != 3)
        return send_error(fd, "400 Bad Request", 0, 0), 0;
    int head_only = strcmp(method, "HEAD") == 0;
    if (!head_only && strcmp(method, "GET") != 0)
        return send_error(fd, "405 Method Not Allowed", 0, 0), 0;
    char *query = strchr(target, '?');
    if (query)
        *query++ = 0;
    int chunked = query && strstr(query, "chunked");
    int keep = strcmp(version, "HTTP/1.1") == 0;
    if (strcasestr(text, "\nConnection: keep-alive"))
        keep = 1;
    if (strcasestr(text, "\nConnection: close") || (query && strstr(query, "close")))
        keep = 0;
    if (strcmp(version, "HTTP/1.1") != 0)
        chunked = 0;
    if (target[0] != '/' || strstr(target, "..") || target[1] == '/')
        return send_error(fd, "400 Bad Request", 0, head_only), 0;
    size_t length = strlen(target);
    snprintf(path, sizeof path, "%s%s", target + 1, target[length - 1] == '/' ? "index.html" : "");
    int file = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (file >= 0)
            close(file);
        return send_error(fd, "404 Not Found", keep, head_only) == 0 && keep;
    }
    int used = snprintf(head, sizeof head,
                        "HTTP/1.1 200 OK\r\nServer: itarget-test\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n"
                        "Content-Type: %s\r\nConnection: %s\r\n",
                        content_type(path), keep ? "keep-alive" : "close");
    if (chunked)
        used += snprintf(head + used, sizeof head - (size_t)used, "Transfer-Encoding: chunked\r\n\r\n");
    else
        used += snprintf(head + used, sizeof head - (size_t)used, "Content-Length: %lld\r\n\r\n", (long long)st.st_size);
    int bad = send_all(fd, head, (size_t)used);
    if (!bad && !head_only)
        bad = chunked ? send_chunks(fd, file) : send_body(fd, file, st.st_size);
    close(file);
    return !bad && keep;
}

static void drop(int i)
{
    close(connections[i].fd);
    open_connections--;
    if (i != open_connections)
        connections[i] = connections[open_connections];
}

/* Takes what connection `i` sent, answers whole requests; returns how many, -1 when the connection is over. */
static int serve(int i)
{
    struct connection *c = &connections[i];
    int answered = 0;
    char *end;
    ssize_t n = recv(c->fd, c->text + c->used, sizeof c->text - 1 - c->used, 0);

    if (n <= 0)
        return -1;
    c->used += (size_t)n;
    c->text[c->used] = 0;
    while ((end = strstr(c->text, "\r\n\r\n")) != NULL) {
        size_t taken = (size_t)(end - c->text) + 4;
        end[2] = 0;
        answered++;
        if (!answer(c->fd, c->text)) {
            shutdown(c->fd, SHUT_WR);
            return -1;
        }
        memmove(c->text, c->text + taken, c->used - taken + 1);
        c->used -= taken;
    }
    return c->used == sizeof c->text - 1 ? -1 : answered;
}

int main(int argc, char **argv)
{
    long port = 0, requests = 100000, seconds = 300;
    int option, one = 1;

    while ((option = getopt(argc, argv, "p:n:t:")) != -1) {
        if (option == 'p')
            port = atol(optarg);
        else if (option == 'n')
            requests = atol(optarg);
        else if (option == 't')
            seconds = atol(optarg);
        else
            return 2;
    }
    if (optind + 1 != argc || port < 0 || port > 65535 || seconds < 1 || seconds > 3600) {
        fprintf(stderr, "usage: httpd [-p PORT] [-n REQUESTS] [-t SECONDS] FOLDER\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    alarm((unsigned)seconds); /* the default action ends the process, whatever it is doing */
    folder = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        die(argv[optind]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 32) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    while (requests > 0) {
        struct pollfd polls[MAX_CONNECTIONS + 1];
        int n = open_connections;

        polls[0] = (struct pollfd){.fd = n < MAX_CONNECTIONS ? listener : -1, .events = POLLIN};
        for (int i = 0; i < n; i++)
            polls[i + 1] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
        if (poll(polls, (nfds_t)n + 1, -1) < 0 && errno != EINTR)
            die("poll");
        for (int i = n - 1; i >= 0; i--) { /* downwards: drop() moves the last one here */
            if (!polls[i + 1].revents)
                continue;
            int answered = serve(i);
            if (answered < 0)
                requests--, drop(i);
            else
                requests -= answered;
        }
        if (polls[0].revents) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            struct timeval limit = {.tv_sec = IO_SECONDS};
            if (fd < 0)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            connections[open_connections].fd = fd;
            connections[open_connections].used = 0;
            open_connections++;
        }
    }
    return 0;
}
