// Lengths that a call leaves in memory are less than the room that was offered: they are known before what they measure is.
//# level: R3
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static struct sockaddr_storage kept;
int main(void) {
  struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  struct sockaddr_storage name, peer;
  socklen_t size = sizeof name;
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  memset(&name, 1, sizeof name);
  bind(a, (struct sockaddr *)&any, sizeof any);
  getsockname(a, (struct sockaddr *)&name, &size);
  printf("%u %d\n", size, name.ss_family == AF_INET);
  connect(b, (struct sockaddr *)&name, size);
  size = sizeof peer;
  memset(&peer, 1, sizeof peer);
  getpeername(b, (struct sockaddr *)&peer, &size);
  printf("%u %d\n", size, memcmp(&peer, &name, size) == 0);
  write(b, "hello", 5);
  char text[20];
  size = sizeof kept;
  ssize_t n = recvfrom(a, text, sizeof text, 0, (struct sockaddr *)&kept, &size);
  printf("%zd %u %d\n", n, size, kept.ss_family == AF_INET);
  int value = 0;
  long room[2] = { -1, -1 };
  size = sizeof room;
  getsockopt(a, SOL_SOCKET, SO_TYPE, room, &size);
  memcpy(&value, room, sizeof value);
  printf("%u %d\n", size, value == SOCK_DGRAM);
  size = sizeof name;
  printf("%d %u\n", getpeername(a, (struct sockaddr *)&name, &size), size);
  return 0;
}
