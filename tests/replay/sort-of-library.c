// Arrays of the library are sorted: only what is compared tells the order at replay.
#define _GNU_SOURCE
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int calls;
static int backwards(const void *a, const void *b) { calls++; return -strcmp((*(struct dirent **)a)->d_name, (*(struct dirent **)b)->d_name); }
static int texts(const void *a, const void *b) { return strcmp(*(char **)b, *(char **)a); }
static int chars(const void *a, const void *b) { return *(char *)a - *(char *)b; }
int main(void) {
  mkdir("d", 0700);
  for (int i = 0; i < 30; i++) { char n[20]; sprintf(n, "d/%d", i * 7 % 30); fclose(fopen(n, "w")); }
  struct dirent **list; int n = scandir("d", &list, NULL, NULL);
  qsort(list, n, sizeof *list, backwards);
  for (int i = 0; i < n; i++) printf("%s ", list[i]->d_name);
  puts("");
  qsort(list, n, sizeof *list, (int (*)(const void *, const void *))alphasort);
  for (int i = 0; i < n; i++) printf("%s ", list[i]->d_name);
  printf("%d\n", calls > 29);
  glob_t g; glob("d/*", 0, NULL, &g);
  qsort(g.gl_pathv, g.gl_pathc, sizeof(char *), texts);
  for (size_t i = 0; i < g.gl_pathc; i++) printf("%s ", g.gl_pathv[i]);
  puts("");
  char *p = g.gl_pathv[3];
  qsort(p, strlen(p), 1, chars);
  puts(p);
  for (int i = 0; i < n; i++) { char b[300]; snprintf(b, 300, "d/%s", list[i]->d_name); unlink(b); }
  rmdir("d");
}
