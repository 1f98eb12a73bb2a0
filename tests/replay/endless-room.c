// recv() that is told that there is any amount of room: what arrives is logged all the same.
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
int main(void) {
  static char text[64];
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) return 1;
  if (write(pair[0], "as much as there is", 20) != 20) return 2;
  volatile size_t room = SIZE_MAX;
  long n = recv(pair[1], text, room, 0);
  printf("%ld %s\n", n, text);
  return 0;
}
