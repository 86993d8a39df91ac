//! Tasks over a small repository: good ones, and ones with each fault.
