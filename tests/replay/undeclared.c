// Library functions declared without parameters, their addresses compared, as tests of old configure scripts do.
#include <stdio.h>
char memmove();
char strtod();
char (*moves)() = memmove;
char (*reads)() = strtod;
int main(void) {
  printf("%d %d %d\n", moves != memmove, reads != strtod, moves == reads);
  return moves == 0;
}
