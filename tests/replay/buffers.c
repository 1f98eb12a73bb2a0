// Buffers that a program gives its output, and uses for something else once the stream is closed.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char reserve[BUFSIZ];
int main(int argc, char **argv) {
  char *own = malloc(4096);
  if (!own || setvbuf(stdout, own, _IOFBF, 4096)) return 1;
  setbuf(stderr, reserve);
  printf("in a buffer of our own, %d\n", argc);
  fprintf(stderr, "and %s\n", "so is this");
  fflush(stderr);
  setbuf(stderr, NULL);
  memset(reserve, 'x', sizeof reserve - 1);
  reserve[sizeof reserve - 1] = 0;
  fprintf(stderr, "at once");
  printf("%zu bytes\n", strlen(reserve));
  if (fclose(stdout)) return 2;
  // Its descriptor is another file's now.
  if (open("/dev/null", O_WRONLY) != 1 || write(1, "gone\n", 5) != 5) return 3;
  memset(own, 'y', 4096);
  free(own);
  own = malloc(4096);
  memset(own, 'z', 4096);
  fprintf(stderr, " %c\n", own[9]);
  return 0;
}
