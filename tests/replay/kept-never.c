// Memory that the library would keep for good after a call which this run does not make costs nothing.
//# libs: -lz
//# log-below: 20000
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
static void *get(void *pool, unsigned count, unsigned size) {
  (void)pool;
  return calloc(count, size);
}
static void give(void *pool, void *block) {
  (void)pool;
  free(block);
}
struct link { struct link *next; int value; };
int main(int argc, char **argv) {
  struct link *list = NULL;
  for (int i = 0; i < 20000; i++) {
    struct link *l = get(NULL, 1, sizeof *l);
    l->next = list, l->value = i;
    list = l;
  }
  long sum = 0;
  for (int k = 0; k < 20; k++)
    for (struct link *l = list; l; l = l->next) sum += l->value;
  printf("%ld\n", sum);
  if (argc > 5) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    stream.zalloc = get, stream.zfree = give;
    stream.next_in = (unsigned char *)argv[1];
    deflateInit(&stream, 6);
    deflate(&stream, Z_FINISH);
    deflateEnd(&stream);
  }
  while (list) {
    struct link *next = list->next;
    give(NULL, list);
    list = next;
  }
  return 0;
}
