// ctype tables, locale functions, strtok, static results.
//# stdin: Hello, World 42 times!\n
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
int main(void) {
  setlocale(LC_ALL, "C");
  char b[128]; if (!fgets(b, sizeof b, stdin)) return 1;
  int up = 0, digit = 0; for (char *p = b; *p; p++) { up += isupper((unsigned char)*p) != 0; digit += isdigit((unsigned char)*p) != 0; *p = (char)tolower((unsigned char)*p); }
  printf("%d %d %s", up, digit, b);
  for (char *t = strtok(b, " ,!\n"); t; t = strtok(NULL, " ,!\n")) printf("[%s]", t);
  time_t z = 86400; struct tm *tm = gmtime(&z); printf("\n%d %s\n", tm->tm_mday, strerror(2));
  struct tm *l = localtime(&z); char d[32]; strftime(d, sizeof d, "%Y", l); printf("%s\n", d);
  return 0;
}
