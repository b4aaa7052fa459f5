# SPDX-License-Identifier: MIT
"""Where Node 20's WASI (uvwasi) does otherwise, and why: programs that it must not run or does not survive, and checks that it
fails."""

NOT_RUN = {
    "full": "what uv_fs_write says after a part was written differs", "vanish": "it keeps paths, not directories",
    "race": "as escape",
    "escape": "it follows links to where they lead on the host, and changes what is there; Node says that its WASI is no sandbox",
    "addresses": "it answers overflow, then hangs",
    "across": "it deadlocks when a call names two directories, or one and no descriptor",
    "poll": "it waits for absolute times as if they were relative",
    "sockets": "it crashes",
}

# Programs that hang before they are done.
ENDS_EARLY = {"paths": "path_filestat_set_times with an unknown flag"}

RIGHTS = "it asks for the right first, and gives directories and streams other rights"
FLAGS = "it lets unknown flags pass"
STRINGS = "it takes paths for bytes, and an empty one for an invalid argument"
DOTS = "libuv leaves . and .. out of directories"
TIMES = "libuv's times are floating-point numbers"
NO_FOLLOW = "it follows the last link when it should not"
READLINK = "it counts a NUL that it adds"
LEXICAL = "it takes dots out of paths before it looks whether what they follow is there"
UNLINK_DIRECTORY = "it takes a directory for a file to unlink, or a dot for its directory"

_GROUPS = [
    ("console", RIGHTS, [f"descriptor {fd}: {call}" for fd in (0, 1, 2) for call in ("fd_seek", "fd_tell", "path_open", "fd_readdir")]),
    ("console", RIGHTS, ["fd_pread of standard input", "fd_pwrite of standard output"]),
    ("console", "sock_accept looks for the right first", [f"all calls refuse descriptor {fd}" for fd in (5, 99, 4095, 4096, 2**31 - 1, 2**31, 2**32 - 1)]),
    ("directory", DOTS, ["fd_readdir gives each entry once, by 64 KiB", "by 4 KiB", "by 128 bytes", "again from the start, by 64 bytes",
                         "after an entry was made anew", "there are four entries", "their names, types and numbers are right",
                         "fd_readdir from the last cookie gives nothing"]),
    ("directory", RIGHTS, ["fd_readdir of a file"]),
    ("directory", "it cannot open a directory with these rights", [
        f"{call} of a directory" for call in ("fd_seek", "fd_tell", "fd_filestat_set_size", "fd_allocate", "fd_advise", "fd_sync", "fd_datasync",
                                              "fd_filestat_set_times")]),
    ("file", "libuv reads into at most 1024 vectors", ["fd_read into 1500 vectors", "each has its own bytes"]),
    ("file", "it only makes the file larger", ["fd_allocate of nothing", "fd_allocate beyond all sizes"]),
    ("file", TIMES, ["both times are set to the nanosecond", "mtim alone", "atim alone", "none of them"]),
    ("file", "it tells no flags", ["append is among the flags", "and has the flag"]),
    ("file", FLAGS, ["fd_fdstat_set_flags with an unknown flag"]),
    ("links", READLINK, ["path_readlink", "path_readlink cuts what does not fit", "path_readlink into no buffer"]),
    ("links", STRINGS, ["path_symlink to no path"]),
    ("links", LEXICAL, ["path_symlink over a file with a slash"]),
    ("links", NO_FOLLOW, ["path_open that does not follow", "path_open that does not follow, with directory",
                          "path_open of a dangling link that does not follow"]),
    ("links", TIMES, ["path_filestat_set_times of the link itself", "path_filestat_set_times of what it leads to"]),
    ("links", "it follows fewer links", ["32 links one behind the other"]),
    ("links", FLAGS, ["path_link with an unknown flag"]),
    ("paths", FLAGS, [f"path_open with an unknown {flag}" for flag in ("oflag", "lookup flag", "fdflag")]),
    ("paths", LEXICAL, ["a file has no dot", "nor two"]),
    ("paths", RIGHTS, ["path_open below a descriptor of a file", "path_filestat_get below it"]),
    ("paths", STRINGS, ["a path of 4098 bytes", "path_open of no path", "path_create_directory of no path", "path_rename to no path",
                        "a path with a NUL", "a directory's path with a NUL",
                        *(f"a path that is not UTF-8: {what}" for what in ("no UTF-8 byte", "a byte of the middle", "an overlong slash",
                                                                           "a cut sequence", "a surrogate", "beyond Unicode", "five bytes"))]),
    ("paths", UNLINK_DIRECTORY, ["path_remove_directory of a dot", "path_unlink_file of a directory",
                                 "path_unlink_file of a directory with a slash", "path_remove_directory", "path_rename of a dot"]),
    ("paths", FLAGS, ["path_filestat_get with an unknown flag"]),
    ("paths", TIMES, ["path_filestat_set_times", "path_filestat_set_times of a directory"]),
    ("rights", "the error is notcapable, which the witx text does not say", [
        "fd_read without the right is badf as in POSIX", "fd_pread without the right", "fd_write without the right",
        "fd_pwrite without the right", "fd_write after the right was dropped"]),
    ("rights", "it wants fd_seek's right", ["to tell the position fd_tell's is enough"]),
    ("startup", "other errors", ["a smaller buffer than the name needs", "fd_prestat_get of standard input",
                                 "a directory that was opened is not preopened"]),
    ("startup", "it tells flags of the host", ["fd_fdstat_get of a preopened directory"]),
]

DIFFERENCES: dict[str, dict[str, str]] = {}
for _program, _reason, _checks in _GROUPS:
    DIFFERENCES.setdefault(_program, {}).update(dict.fromkeys(_checks, _reason))
