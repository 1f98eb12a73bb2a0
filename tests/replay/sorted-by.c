// qsort_r: arrays of the heap, of variables and of the library, by what a comparison is given besides.
//# args: 7
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "outside.h"
struct by { int sign; long asked; };
static int by_number(const void *a, const void *b, void *by) {
  struct by *how = by;
  how->asked++;
  return how->sign * (*(const int *)a - *(const int *)b);
}
static int by_name(const void *a, const void *b, void *by) {
  struct by *how = by;
  how->asked++;
  return how->sign * strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}
static int table[50];
int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 3, *many = malloc(60 * sizeof *many);
  struct by up = { 1, 0 }, down = { -1, 0 };
  for (int i = 0; i < 60; i++) many[i] = i * n % 1009;
  for (int i = 0; i < 50; i++) table[i] = i * n % 13;
  qsort_r(many, 60, sizeof *many, by_number, &up);
  qsort_r(table, 50, sizeof *table, by_number, &down);
  printf("%d %d %d %d\n", many[0], many[59], table[0], table[49]);
  struct dirent **names;
  int count = scandir("/etc/apt", &names, NULL, NULL);
  if (count > 1) qsort_r(names, (size_t)count, sizeof *names, by_name, &down);
  for (int i = 0; i < count; i++) { printf("%s\n", names[i]->d_name); free(names[i]); }
  if (count >= 0) free(names);
  printf("%d %d\n", up.asked > 60, down.asked > 50);
  qsort_r(many, 0, sizeof *many, by_number, &up);
  free(many);
  printf("%d\n", read_all());
  return 0;
}
