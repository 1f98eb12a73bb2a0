// Calls that the optimizer makes another function of, which the headers define: puts("") is putchar('\n'), and that is putc.
//# level: R3
#include <stdio.h>
#include <stdlib.h>
int main(void) {
  putchar('c');
  puts("");
  printf("\n");
  printf("%c", 'x');
  printf("%s\n", "line");
  fprintf(stdout, "%s", "word");
  fprintf(stdout, "%c", '.');
  fputs("y", stdout);
  fwrite("\n", 1, 1, stdout);
  printf("%d\n", getchar());
  return atoi("3") - 3;
}
