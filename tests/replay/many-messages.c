// sendmmsg and recvmmsg, as calls of the library and by their numbers: lengths, addresses and control data of each message, and what is left of the time.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
enum { MANY = 6 };
struct room {
  struct mmsghdr many[MANY];
  struct iovec parts[MANY][2];
  char head[MANY][8], rest[MANY][40];
  struct sockaddr_in from[MANY];
  union { char room[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control[MANY];
};
static int bound(struct sockaddr_in *at) {
  int one = 1, s = socket(AF_INET, SOCK_DGRAM, 0);
  socklen_t n = sizeof *at;
  *at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (bind(s, (struct sockaddr *)at, sizeof *at) != 0 || getsockname(s, (struct sockaddr *)at, &n) != 0) exit(1);
  setsockopt(s, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
  setsockopt(s, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
  return s;
}
static void prepare(struct room *r) {
  memset(r, 0, sizeof *r);
  for (int i = 0; i < MANY; i++) {
    r->parts[i][0] = (struct iovec){ r->head[i], sizeof r->head[i] };
    r->parts[i][1] = (struct iovec){ r->rest[i], sizeof r->rest[i] };
    r->many[i].msg_hdr = (struct msghdr){
      .msg_name = &r->from[i], .msg_namelen = sizeof r->from[i], .msg_iov = r->parts[i], .msg_iovlen = 2,
      .msg_control = &r->control[i], .msg_controllen = sizeof r->control[i],
    };
  }
}
static void show(struct room *r, int got, struct sockaddr_in *sender) {
  for (int i = 0; i < MANY; i++) {
    struct msghdr *m = &r->many[i].msg_hdr;
    printf("%d: %u bytes, %.8s|%s, flags %x, ", i, r->many[i].msg_len, r->head[i], r->rest[i], m->msg_flags & MSG_TRUNC);
    printf("name %u %d, control %zu:", m->msg_namelen, i < got && r->from[i].sin_port == sender->sin_port, m->msg_controllen);
    for (struct cmsghdr *c = i < got ? CMSG_FIRSTHDR(m) : NULL; c != NULL; c = CMSG_NXTHDR(m, c)) {
      if (c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo where;
        memcpy(&where, CMSG_DATA(c), sizeof where);
        printf(" to %s", inet_ntoa(where.ipi_addr));
      } else if (c->cmsg_type == IP_TTL) {
        int ttl;
        memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
        printf(" ttl %d", ttl);
      }
    }
    puts("");
  }
}
int main(void) {
  struct sockaddr_in here, there;
  int to = bound(&here), from = bound(&there);
  struct room *r = malloc(sizeof *r);
  prepare(r);
  char texts[MANY][64];
  struct iovec each[MANY];
  struct mmsghdr out[MANY];
  memset(out, 0, sizeof out);
  for (int i = 0; i < 4; i++) {
    each[i] = (struct iovec){ texts[i], (size_t)snprintf(texts[i], sizeof texts[i], "datagram number %d%.*s", i * i * i, i * 14, "a text that is longer than the room") + 1 };
    out[i].msg_hdr = (struct msghdr){ .msg_name = &here, .msg_namelen = sizeof here, .msg_iov = &each[i], .msg_iovlen = 1 };
  }
  int sent = sendmmsg(from, out, 4, 0);
  printf("sent %d\n", sent);
  for (int i = 0; i < 4; i++) printf("%u of %zu\n", out[i].msg_len, each[i].iov_len);
  struct timespec wait = { 0, 30000000 };
  int got = recvmmsg(to, r->many, MANY, MSG_WAITFORONE, NULL);
  printf("got %d\n", got);
  show(r, got, &there);
  prepare(r);
  int none = recvmmsg(to, r->many, MANY, MSG_DONTWAIT, &wait);
  printf("got %d %d, %ld s left\n", none, errno == EAGAIN, (long)wait.tv_sec);
  sent = sendmmsg(from, out, 2, 0);
  struct timespec left = { 5, 0 };
  got = recvmmsg(to, r->many, 2, 0, &left);
  printf("sent %d got %d, in time %d\n", sent, got, left.tv_sec < 5 && left.tv_sec >= 0);
  show(r, got, &there);
  sent = (int)syscall(SYS_sendmmsg, from, out, 3, 0);
  prepare(r);
  got = (int)syscall(SYS_recvmmsg, to, r->many, 3, MSG_DONTWAIT, &wait);
  printf("sent %d got %d, in time %d\n", sent, got, wait.tv_nsec <= 30000000);
  show(r, got, &there);
  printf("error %d\n", recvmmsg(-1, r->many, 2, 0, NULL));
  return 0;
}
