// errno is memory of the environment: its load is logged, the call's result too.
#include <errno.h>
#include <fcntl.h>
int main(void) {
  int fd = open("/nonexistent", O_RDONLY);
  if (fd < 0)
    return errno;
  return 0;
}
