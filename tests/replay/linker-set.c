// Sections that the linker makes arrays of: of structures with functions, written and called through the section's beginning, and of pointers to them.
//# level: R3
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
struct test { const char *name; int (*run)(int); int *counter; };
static int first, second, third;
static int one(int n) { return first += n; }
static int two(int n) { return second += n * 2; }
static int text(int n) {
  char *t = malloc(16);
  sprintf(t, "%d", n % 10);
  int length = (int)strlen(t);
  free(t);
  return third += length;
}
#define TEST(of) \
  static struct test test_##of __attribute__((used, section("tests"), aligned(8))) = { #of, of, &first }; \
  static struct test *pointer_##of __attribute__((used, section("pointers"))) = &test_##of;
TEST(one)
TEST(two)
TEST(text)
extern struct test __start_tests[], __stop_tests[];
extern struct test *__start_pointers[], *__stop_pointers[];
static int structures(int n) {
  int sum = 0;
  for (struct test *t = __start_tests; t < __stop_tests; t++) {
    sum = sum * 31 + t->run(n) - n;
    ++*t->counter;
    t->name = strdup(t->name);
    printf("%s\n", t->name);
  }
  return sum;
}
static int pointers(int n) {
  int sum = 0;
  struct test **t = __stop_pointers;
  while (t-- > __start_pointers) {
    sum = sum * 31 + (*t)->run(n) + (*t)->name[1];
    *t = test_one.name ? &test_two : NULL;
  }
  return sum;
}
int main(void) {
  int n = getpid(), sum = structures(n) * 31 + pointers(n);
  printf("%d of %d\n", third, (int)(__stop_tests - __start_tests));
  return sum == 0;
}
