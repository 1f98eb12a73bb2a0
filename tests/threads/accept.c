// A server with a thread per connection, on TCP: accept4, socket options, names of both ends, shutdown; clients in threads.
//# varies: output
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
enum { CLIENTS = 4, LINES = 5 };
static int listener;
static unsigned short port;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char order[CLIENTS * LINES + 1];
static int used, sums[CLIENTS];
static void *serve(void *arg) {
  int fd = (int)(long)arg, n;
  char text[100];
  while ((n = (int)recv(fd, text, sizeof text - 1, 0)) > 0) {
    text[n] = 0;
    pthread_mutex_lock(&lock);
    order[used++] = text[0];
    pthread_mutex_unlock(&lock);
    for (char *p = text; *p; p++) if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 32);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n) break;
  }
  close(fd);
  return NULL;
}
static void *ask(void *arg) {
  int me = (int)(long)arg, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
  if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) return NULL;
  for (int i = 0; i < LINES; i++) {
    char text[40], back[40];
    int n = snprintf(text, sizeof text, "%c asks %d", 'a' + me, i);
    send(fd, text, (size_t)n, MSG_NOSIGNAL);
    n = (int)recv(fd, back, sizeof back, MSG_WAITALL & 0);
    for (int k = 0; k < n; k++) sums[me] = sums[me] * 7 % 100003 + back[k];
  }
  shutdown(fd, SHUT_WR);
  close(fd);
  return NULL;
}
int main(void) {
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t size = sizeof a;
  pthread_t s[CLIENTS], c[CLIENTS];
  int one = 1, value = 0;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 10) != 0) return 1;
  getsockname(listener, (struct sockaddr *)&a, &size);
  port = ntohs(a.sin_port);
  printf("would block %d\n", accept4(listener, NULL, NULL, 0) == -1 && errno == EAGAIN);
  for (long i = 0; i < CLIENTS; i++) pthread_create(&c[i], NULL, ask, (void *)i);
  for (int i = 0; i < CLIENTS;) {
    struct sockaddr_in peer;
    char text[INET_ADDRSTRLEN];
    size = sizeof peer;
    int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    if (fd < 0) { usleep(100); continue; }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    size = sizeof value;
    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size);
    printf("from %s:%d nodelay %d\n", inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text), ntohs(peer.sin_port), value != 0);
    pthread_create(&s[i++], NULL, serve, (void *)(long)fd);
  }
  for (int i = 0; i < CLIENTS; i++) { pthread_join(c[i], NULL); pthread_join(s[i], NULL); }
  printf("%s", order);
  for (int i = 0; i < CLIENTS; i++) printf(" %d", sums[i]);
  puts("");
  close(listener);
  return 0;
}
