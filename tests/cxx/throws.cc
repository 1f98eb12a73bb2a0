// Exceptions can't be recorded yet.
#include <cstdio>
#include <cstdlib>

static int parse(const char *text) {
  if (!*text)
    throw 5;
  return std::atoi(text);
}

int main(int argc, char **argv) {
  try {
    return parse(argc > 1 ? argv[1] : "");
  } catch (int e) {
    std::printf("caught %d\n", e);
    return 1;
  }
}
