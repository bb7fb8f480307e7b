/* Prints its configuration and the C library it was loaded with, then ends with 5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  char line[4096];
  FILE *maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) return 1;
  puts(getenv("config"));
  while (fgets(line, sizeof line, maps) != NULL) {
    char *path = strchr(line, '/');
    if (path != NULL && strstr(path, ".so") != NULL) fputs(path, stdout);
  }
  return 5;
}
