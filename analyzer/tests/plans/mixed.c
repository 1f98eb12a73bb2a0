// A structure whose header the program reads and whose body it passes on.
#include <stdlib.h>
#include <unistd.h>
struct packet {
  long length;
  long kind;
  char body[65536];
};
int main(void) {
  struct packet *p = malloc(sizeof *p);
  long total = 0;
  for (int i = 0; i < 100; i++) {
    if (read(0, &p->length, sizeof p->length) <= 0)
      break;
    if (read(0, p->body, sizeof p->body) <= 0)
      break;
    p->kind = i;
    for (int k = 0; k < 1000; k++)
      total += p->length ^ p->kind;
    write(1, p->body, sizeof p->body);
  }
  return total > 0;
}
