// libevent: events in structures of the program's and of the library's, once, by signal, by pipe; buffers with callbacks, lines and references; a pair of
// bufferevents, one behind a filter; a listener on a socket of its own. What the program computes beside them is not in the log.
//# libs: -levent
//# level: R3
//# log-below: 6000
#include <event.h>
#include <event2/buffer_compat.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    char name[24];
    struct event in, timer;
    int fds[2], got, ticks;
    struct evbuffer *lines;
    unsigned long *sums;
};

static int signals, once, changes, cleaned, filtered, accepted, cells[3000];
static struct event by_signal;

static void said(int severity, const char *text) {
    printf("%d: %.40s\n", severity, text);
}
static void on_once(int fd, short what, void *arg) {
    struct client *c = arg;
    once++;
    c->sums[1] += what;
    if (once == 1) event_loop(EVLOOP_ONCE); // complains
}
static void on_signal(int number, short what, void *arg) {
    signals += number == SIGUSR1;
    event_del(&by_signal);
    *(int *)arg = what;
}
static void on_tick(int fd, short what, void *arg) {
    struct client *c = arg;
    struct timeval soon = {0, 2000};
    for (int i = 0; i < 3000; i++) cells[i] = cells[i] * 5 + i + c->ticks;
    for (int k = 0; k < 40; k++)
        for (int i = 0; i < 64; i++) c->sums[i] = c->sums[(i * 7 + k) % 64] * 3 + cells[i * 40] + k;
    if (++c->ticks < 4) event_add(&c->timer, &soon);
    else event_active(&c->in, EV_TIMEOUT, 1);
}
static void on_readable(int fd, short what, void *arg) {
    struct client *c = arg;
    if (what & EV_TIMEOUT) { printf("%s was woken\n", c->name); return; }
    int n = evbuffer_read(c->lines, fd, 100);
    size_t len = 7;
    char *line;
    while ((line = evbuffer_readln(c->lines, &len, EVBUFFER_EOL_LF))) {
        printf("%s: %s (%zu)\n", c->name, line, len);
        free(line);
        c->got++;
    }
    printf("then %zu, %zu left\n", len, evbuffer_get_length(c->lines));
    if (n <= 0) event_del(&c->in);
}
static void on_change(struct evbuffer *b, const struct evbuffer_cb_info *info, void *arg) {
    changes++;
    *(size_t *)arg += info->n_added;
}
static void clean(const void *data, size_t len, void *extra) {
    cleaned += (int)len;
    free((void *)data);
}
static enum bufferevent_filter_result upper(struct evbuffer *from, struct evbuffer *to, ev_ssize_t limit, enum bufferevent_flush_mode mode, void *arg) {
    char part[32];
    int n = evbuffer_remove(from, part, sizeof part);
    for (int i = 0; i < n; i++) part[i] -= part[i] >= 'a' && part[i] <= 'z' ? 32 : 0;
    ++*(int *)arg;
    return n > 0 && evbuffer_add(to, part, n) == 0 ? BEV_OK : BEV_NEED_MORE;
}
static void has_read(struct bufferevent *b, void *arg) {
    char text[64];
    size_t n = bufferevent_read(b, text, sizeof text - 1);
    text[n] = 0;
    printf("%s: %s\n", (char *)arg, text);
    bufferevent_write(b, "back", 4);
    bufferevent_disable(b, EV_READ);
}
static void has_event(struct bufferevent *b, short what, void *arg) {
    printf("event %d of %s\n", what, (char *)arg);
}
static void has_accepted(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *from, int len, void *arg) {
    accepted += from->sa_family == AF_UNIX;
    close(fd);
    event_base_loopbreak(arg);
}
static void on_own(int fd, short what, void *arg) {
    printf("own %d %d\n", what, event_pending(arg, EV_TIMEOUT, NULL));
}

int main(void) {
    struct event_base *base = event_init();
    event_set_log_callback(said);
    struct client *all = calloc(3, sizeof *all);
    for (int i = 0; i < 3; i++) {
        struct client *c = &all[i];
        snprintf(c->name, sizeof c->name, "client %d", i);
        if (pipe(c->fds) != 0) return 1;
        c->lines = evbuffer_new();
        c->sums = calloc(64, sizeof *c->sums);
        event_set(&c->in, c->fds[0], EV_READ | EV_PERSIST, on_readable, c);
        event_set(&c->timer, -1, 0, on_tick, c);
        struct timeval t = {0, 1000 * (i + 1)};
        event_add(&c->in, NULL);
        event_add(&c->timer, &t);
        dprintf(c->fds[1], "one of %d\ntwo\nrest", i);
        close(c->fds[1]);
        event_once(-1, EV_TIMEOUT, on_once, c, &t);
        printf("%d %d\n", event_initialized(&c->in), event_pending(&c->in, EV_READ, NULL) != 0);
    }
    int what = 0;
    event_set(&by_signal, SIGUSR1, EV_SIGNAL | EV_PERSIST, on_signal, &what);
    event_add(&by_signal, NULL);
    raise(SIGUSR1);
    event_dispatch();
    printf("%d %d %d\n", signals, what, once);
    for (int i = 0; i < 3; i++) {
        unsigned long sum = 0;
        for (int k = 0; k < 64; k++) sum += all[i].sums[k] * k;
        printf("%s: %d lines, %d ticks, %lu\n", all[i].name, all[i].got, all[i].ticks, sum);
        free(all[i].sums);
        evbuffer_free(all[i].lines);
        close(all[i].fds[0]);
    }

    size_t added = 0, len;
    struct evbuffer *b = evbuffer_new(), *b2 = evbuffer_new();
    evbuffer_add_cb(b, on_change, &added);
    evbuffer_add_printf(b, "%s %d\n", "number", 41);
    char *given = strdup("given away");
    evbuffer_add_reference(b2, given, strlen(given), clean, NULL);
    evbuffer_add_buffer(b, b2);
    struct evbuffer_ptr at = evbuffer_search(b, "given", 5, NULL);
    printf("at %ld, %zu added, %d times\n", (long)at.pos, added, changes);
    unsigned char *text = evbuffer_pullup(b, 9);
    printf("%.9s\n", text);
    struct evbuffer_iovec room[2];
    int n = evbuffer_reserve_space(b, 20, room, 2);
    memcpy(room[0].iov_base, "reserved", room[0].iov_len = 8);
    evbuffer_commit_space(b, room, n > 0);
    n = evbuffer_peek(b, -1, NULL, room, 2);
    len = 0;
    for (int i = 0; i < n && i < 2; i++) len += room[i].iov_len;
    printf("%d %zu\n", n > 0, len <= evbuffer_get_length(b));
    evbuffer_drain(b, evbuffer_get_length(b));
    printf("%d cleaned, %d times\n", cleaned, changes);
    evbuffer_free(b);
    evbuffer_free(b2);

    struct bufferevent *pair[2], *f;
    if (bufferevent_pair_new(base, 0, pair) != 0) return 2;
    f = bufferevent_filter_new(pair[0], NULL, upper, BEV_OPT_CLOSE_ON_FREE, NULL, &filtered);
    bufferevent_setcb(f, has_read, NULL, has_event, "filter");
    bufferevent_setcb(pair[1], has_read, NULL, has_event, "other end");
    bufferevent_enable(f, EV_READ | EV_WRITE);
    bufferevent_enable(pair[1], EV_READ | EV_WRITE);
    evbuffer_add(bufferevent_get_output(f), "hello there", 11);
    event_base_loop(base, EVLOOP_NONBLOCK);
    printf("filtered %d\n", filtered);
    bufferevent_free(f);
    event_base_loop(base, EVLOOP_NONBLOCK);
    bufferevent_free(pair[1]);

    struct sockaddr_un name = {AF_UNIX};
    snprintf(name.sun_path + 1, 60, "libevent-test-%d", (int)getpid());
    socklen_t size = sizeof(sa_family_t) + 1 + strlen(name.sun_path + 1);
    struct evconnlistener *l = evconnlistener_new_bind(base, has_accepted, base, LEV_OPT_CLOSE_ON_FREE, 3, (struct sockaddr *)&name, size);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (!l || connect(fd, (struct sockaddr *)&name, size) != 0) return 3;
    event_base_dispatch(base);
    printf("accepted %d\n", accepted);
    evconnlistener_free(l);
    struct event *own = event_new(base, -1, 0, on_own, event_self_cbarg());
    printf("%d %d\n", event_get_callback(own) == on_own, event_get_base(own) == base);
    event_active(own, EV_READ, 1);
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_free(own);
    event_base_free(base);
    free(all);
    return 0;
}
