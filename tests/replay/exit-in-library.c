// A library calls exit in the middle of a call: what the program gave to atexit runs, in the order of libc's list, while recording and at replay.
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
const char *argp_program_version = "1";
static char *text;
static void last(void) {
  printf("the last of them, %s\n", text);
}
static void first(void) {
  char on_stack[32];
  snprintf(on_stack, sizeof on_stack, "%s and %s", text, time(NULL) > 1000 ? "time" : "no time");
  free(text);
  text = malloc(sizeof on_stack);
  snprintf(text, sizeof on_stack, "%s", on_stack);
  atexit(last);
}
static error_t parse(int key, char *arg, struct argp_state *state) {
  if (key == ARGP_KEY_INIT) state->out_stream = fopen("/dev/null", "w");
  return key == ARGP_KEY_ARG && arg ? 0 : ARGP_ERR_UNKNOWN;
}
int main(void) {
  static struct argp_option options[] = {{"verbose", 'v', 0, 0, "talk", 0}, {0}};
  static struct argp argp = {options, parse, "ARG", "a program", NULL, NULL, NULL};
  char *args[] = {"program", "one", "--version", NULL};
  text = malloc(32);
  snprintf(text, 32, "text");
  atexit(first);
  char line[200] = "";
  FILE *file = fopen("/etc/passwd", "r");
  if (file && fgets(line, sizeof line, file)) fclose(file);
  printf("before %d\n", line[0] != 0);
  argp_parse(&argp, 3, args, 0, NULL, NULL);
  printf("not reached\n");
  return 1;
}
