/* SPDX-License-Identifier: Apache-2.0 */
#include "shared_library.h"

#include "log.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

int shared_library_load(const char *name, const char *package, const char *purpose,
			const struct shared_symbol *symbols, size_t count)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	bool whole = library;

	for (size_t i = 0; whole && i < count; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		memcpy(symbols[i].pointer, &symbol, sizeof(symbol));
		whole = symbol;
	}
	if (whole)
		return 0;
	log_error("%s needs %s, which cannot be loaded: %s; install it (Debian: %s)", purpose, name,
		  dlerror(), package);
	if (library)
		dlclose(library);
	return -ENOENT;
}
