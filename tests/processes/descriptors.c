// A parent hands connected sockets to its workers through UNIX sockets (SCM_RIGHTS); workers answer the clients.
//# processes: 3
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
enum { WORKERS = 2, CLIENTS = 6 };
static int pass(int to, int fd) {
  char byte = 'f';
  struct iovec v = { &byte, 1 };
  union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u;
  struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room };
  memset(&u, 0, sizeof u);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  return (int)sendmsg(to, &m, 0);
}
static int take(int from) {
  char byte;
  int fd = -1;
  struct iovec v = { &byte, 1 };
  union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u;
  struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room };
  if (recvmsg(from, &m, 0) <= 0) return -1;
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  if (c != NULL) memcpy(&fd, CMSG_DATA(c), sizeof fd);
  return fd;
}
int main(void) {
  int control[WORKERS][2], status, total = 0;
  for (int i = 0; i < WORKERS; i++) {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control[i]) != 0) return 1;
    if (fork() == 0) {
      int fd, n = 0;
      for (int k = 0; k <= i; k++) close(control[k][0]);
      while ((fd = take(control[i][1])) >= 0) {
        char text[40];
        ssize_t got = read(fd, text, sizeof text - 2);
        text[got] = (char)('0' + i);
        if (write(fd, text, (size_t)got + 1) > 0) n++;
        close(fd);
      }
      _exit(n);
    }
    close(control[i][1]);
  }
  for (int i = 0; i < CLIENTS; i++) {
    int pair[2];
    char text[40];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 2;
    pass(control[i % WORKERS][0], pair[1]);
    close(pair[1]);
    int n = snprintf(text, sizeof text, "client %d to ", i);
    if (write(pair[0], text, (size_t)n) != n) return 3;
    n = (int)read(pair[0], text, sizeof text);
    printf("%.*s\n", n, text);
    close(pair[0]);
  }
  for (int i = 0; i < WORKERS; i++) close(control[i][0]);
  for (int i = 0; i < WORKERS; i++) { wait(&status); total += WEXITSTATUS(status); }
  printf("total %d\n", total);
  return 0;
}
