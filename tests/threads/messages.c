// sendmsg and recvmsg with control data (a descriptor, credentials), sendmmsg and recvmmsg, between threads.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
static int pair[2], dgram[2], pipes[2];
static void *sends(void *arg) {
  char a[] = "first part,", b[] = " second part";
  struct iovec iov[2] = { { a, sizeof a - 1 }, { b, sizeof b } };
  union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u;
  struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = u.room, .msg_controllen = sizeof u.room };
  (void)arg;
  memset(&u, 0, sizeof u);
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &pipes[1], sizeof(int));
  if (sendmsg(pair[0], &m, 0) < 0) return NULL;
  char texts[5][20];
  struct iovec each[5];
  struct mmsghdr many[5];
  memset(many, 0, sizeof many);
  for (int i = 0; i < 5; i++) {
    each[i].iov_base = texts[i];
    each[i].iov_len = (size_t)snprintf(texts[i], sizeof texts[i], "datagram %d", i * i * i) + 1;
    many[i].msg_hdr.msg_iov = &each[i];
    many[i].msg_hdr.msg_iovlen = 1;
  }
  return (void *)(long)sendmmsg(dgram[0], many, 5, 0);
}
int main(void) {
  pthread_t t;
  void *sent;
  int one = 1, fd = -1;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram) != 0 || pipe(pipes) != 0) return 1;
  setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
  pthread_create(&t, NULL, sends, NULL);
  char head[10], rest[40];
  struct iovec iov[2] = { { head, sizeof head }, { rest, sizeof rest } };
  union { char room[200]; struct cmsghdr align; } u;
  struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = u.room, .msg_controllen = sizeof u.room };
  ssize_t n = recvmsg(pair[1], &m, MSG_CMSG_CLOEXEC);
  printf("%zd bytes: %.10s|%s flags %d\n", n, head, rest, m.msg_flags & MSG_TRUNC);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(c), sizeof fd);
    if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred who;
      memcpy(&who, CMSG_DATA(c), sizeof who);
      printf("from this process %d\n", who.pid == getpid());
    }
  }
  char text[20] = "";
  if (write(fd, "through", 8) == 8 && read(pipes[0], text, sizeof text) == 8) printf("%s the descriptor\n", text);
  pthread_join(t, &sent);
  char texts[8][20];
  struct iovec each[8];
  struct mmsghdr many[8];
  memset(many, 0, sizeof many);
  for (int i = 0; i < 8; i++) {
    each[i] = (struct iovec){ texts[i], sizeof texts[i] };
    many[i].msg_hdr.msg_iov = &each[i];
    many[i].msg_hdr.msg_iovlen = 1;
  }
  struct timespec second = {1, 0};
  int got = recvmmsg(dgram[1], many, 8, MSG_WAITFORONE, &second);
  printf("sent %ld got %d\n", (long)sent, got);
  for (int i = 0; i < got; i++) printf("%u %s\n", many[i].msg_len, texts[i]);
  struct ucred peer;
  socklen_t size = sizeof peer;
  getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &peer, &size);
  printf("peer %d\n", peer.pid == getpid());
  return 0;
}
