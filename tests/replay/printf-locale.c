// Texts in a locale other than "C": logged where that makes a difference, and only there.
//# log-below: 20000
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
int main(int argc, char **argv) {
  char text[100];
  long sum = 0;
  puts(setlocale(LC_ALL, "C.UTF-8") ? "there" : "not there");
  for (long i = 0; i < 20000; i++) {
    sprintf(text, "%ld", i);
    sum += text[0];
    snprintf(text, sizeof text, "%.2f %s", (double)i / 4, argv[argc]  ? "x" : "y");
    sum += text[strlen(text) - 1];
  }
  snprintf(text, sizeof text, "%ls %lc", L"\u00e9t\u00e9", (wint_t)0x20ac);
  printf("%ld %s\n", sum, text);
  return 0;
}
