/* The writer alone, for tests: answers on descriptor 3 for the home that is its argument. */
#include <signal.h>
#include <unistd.h>

#include "../../native/home_writer.h"

int main(int argc, char **argv) {
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2)
		serve_home(3, argv[1], getuid());
	return argc != 2;
}
