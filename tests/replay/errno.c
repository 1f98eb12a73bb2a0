// errno is libc's memory: its loads are logged.
//# status: 3
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  errno = 0;
  int fd = open("/nonexistent/file", O_RDONLY);
  printf("%d %s\n", fd < 0, strerror(errno));
  errno = 0;
  long v = strtol("99999999999999999999", NULL, 10);
  printf("%ld %d\n", v, errno == ERANGE);
  return close(fd) < 0 && errno == EBADF ? 3 : 0;
}
