// What calls read and write lies in memory that threads share without a lock: addresses and their lengths, iovec arrays, message
// headers, actions of signals, attributes.
//# varies: output
#define _GNU_SOURCE
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
struct connection {
  int fd;
  struct sockaddr_storage address;
  socklen_t size;
  struct iovec parts[2];
  struct msghdr message;
  struct sigaction action, old;
  pthread_attr_t attributes;
  pthread_mutexattr_t kind;
  pthread_mutex_t lock;
  long seen;
};
static struct connection *all[2];
static volatile int signals;
static void count(int signal) { signals += signal == SIGUSR1; }
static void *nothing(void *arg) { return arg; }
static void *run(void *arg) {
  struct connection *c = all[(long)arg], *other = all[1 - (long)arg];
  char head[4], tail[60], *text = malloc(64);
  int pair[2], listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  bind(listener, (struct sockaddr *)&any, sizeof any);
  for (int i = 0; i < 40; i++) {
    c->size = sizeof c->address;
    getsockname(listener, (struct sockaddr *)&c->address, &c->size);
    other->seen += c->size + c->address.ss_family;
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    dprintf(pair[0], "round %d of %ld", i, (long)arg);
    c->parts[0] = (struct iovec){ head, sizeof head };
    c->parts[1] = (struct iovec){ tail, sizeof tail };
    ssize_t n = readv(pair[1], c->parts, 2);
    c->seen += n + head[0] + tail[n - 5];
    write(pair[0], "message", 8);
    c->parts[0] = (struct iovec){ text, 64 };
    c->message = (struct msghdr){ .msg_iov = c->parts, .msg_iovlen = 1 };
    n = recvmsg(pair[1], &c->message, 0);
    c->seen += n + (long)strlen(text) + c->message.msg_flags;
    c->size = sizeof c->address;
    write(pair[0], "datagram", 8);
    n = recvfrom(pair[1], text, 64, 0, (struct sockaddr *)&c->address, &c->size);
    c->seen += n + c->size;
    close(pair[0]);
    close(pair[1]);
    c->action.sa_handler = count;
    sigemptyset(&c->action.sa_mask);
    c->action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &c->action, &c->old);
    c->seen += c->old.sa_handler == count;
    size_t stack = 0;
    pthread_t t;
    void *value;
    pthread_attr_init(&c->attributes);
    pthread_attr_setstacksize(&c->attributes, 256 << 10);
    pthread_attr_getstacksize(&c->attributes, &stack);
    pthread_create(&t, &c->attributes, nothing, (void *)(long)i);
    pthread_join(t, &value);
    pthread_attr_destroy(&c->attributes);
    pthread_mutexattr_init(&c->kind);
    pthread_mutexattr_settype(&c->kind, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&c->lock, &c->kind);
    pthread_mutex_lock(&c->lock);
    c->seen += (long)stack + (long)value + (pthread_mutex_lock(&c->lock) != 0);
    pthread_mutex_unlock(&c->lock);
    pthread_mutex_destroy(&c->lock);
  }
  close(listener);
  return NULL;
}
int main(void) {
  pthread_t t[2];
  for (int i = 0; i < 2; i++) all[i] = calloc(1, sizeof *all[i]);
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, run, (void *)i);
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  raise(SIGUSR1);
  printf("%ld %ld %d\n", all[0]->seen, all[1]->seen, signals);
  return 0;
}
