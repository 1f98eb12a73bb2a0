// The place of errno, kept in a variable as shells do, in the heap and in a local: it is another one in every process.
//# level: R3
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int *place;
struct kept { int *place; int seen; };

static int fails(void) { return open("/nonexistent/file", O_RDONLY); }

int main(void) {
  place = &errno;
  struct kept *k = malloc(sizeof *k);
  k->place = place;
  int *here = &errno;
  for (int i = 0; i < 3; i++) {
    *place = 0;
    fails();
    k->seen = *k->place;
    printf("%d %d %d\n", k->seen == ENOENT, *here == errno, strtol("99999999999999999999", NULL, 10) > 0);
    printf("%d %d\n", *place == ERANGE, here == place);
  }
  free(k);
  return 0;
}
