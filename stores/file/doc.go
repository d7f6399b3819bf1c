// SPDX-License-Identifier: MIT

// Package file keeps entries in files:
//
//	st, err := file.New(file.Config{Dir: "/var/cache/example"})
//	…
//	cache, err := holdover.New(holdover.Config{Store: st})
//
// They outlive the process, and a cache of many GiB needs little memory: about 100 MB for
// a million files, and another 50 MB during the first survey after the start.
//
// # The folder
//
//	00/ … ff/   one file for each entry, in one of 256 subfolders
//	tmp/        files that are being written
//	journal     the journal of purges, and journal.lock for those who write it
//
// A file is named after the 128 bits of store.HashKey in hexadecimal digits, and its first
// two are the subfolder. It has a head of 32 bytes (see head.go) and the value as the codec
// wrote it. The value has the whole key, which is compared when it is read.
//
// All access goes through [os.Root], so that no link in the folder leads out of it. What
// isn't a regular file is never read, whatever its name. Files with names that the store
// doesn't give are left alone. The folder and its subfolders stay open, which takes 258 file
// descriptors. All this is tested on Linux.
//
// # What survives what
//
// A file is written under another name and then renamed, so that a reader meets a whole one
// or none, also when the process is killed in the middle. What is left in tmp then is
// removed by the next store that is opened, or by one that is in use, once it is ten minutes
// old.
//
// Where an entry replaces another one, the old file is removed a moment before the new one
// takes its name, since ext4 would otherwise write the new one to the disk at once. A process
// that is killed in that moment loses the entry, and another process may miss it.
//
// After a power failure what was set within the last half minute or so may be gone. What
// is there was written in full, or is found out to be damaged by its checksums and is a miss.
// With Config.Sync an entry is on the disk when Set returns, and neither is it away for a
// moment while it is replaced.
//
// A disk that is full makes Set fail, and lets old files go so that later ones succeed. A
// folder that was deleted is made again. A disk that hangs lets every call fail at its
// deadline, or after Config.Timeout where it has none.
//
// # The bound
//
// Config.MaxBytes bounds what the files take, those included that are being written. What
// makes room is decided by a segmented LRU, see package memory. After a restart the order
// of use is that of the modification times, which a hit renews once an hour.
//
// A survey at the start learns what is in the folder: at half of the speed of one core,
// about a second for 100,000 files that the system remembers. Entries are served meanwhile,
// and the bound may be exceeded by an eighth. Surveys come back every ten minutes, or less
// often where they take long. Expired entries are never returned; their files are looked
// for every minute, at a tenth of the speed of one core.
//
// # The journal of purges
//
// All stores on a folder, in several processes too, share a journal of purges, see
// [store.Journal]: a file of records with 64 bytes each, which the first call to it makes
// (journal_format.go says how). A purge that was confirmed is on the disk, whatever
// Config.Sync says, and so is every one that a process has read. Writers wait for each other by
// an advisory lock (flock) on journal.lock; readers wait for nobody, and look at the file
// whenever they are asked.
//
// The last 131,072 purges or more are kept, in about 10 MiB, which come on top of
// Config.MaxBytes. Those older than Config.JournalLife are dropped by who appends then, at most
// half as late again, but for the last thousand. For that the file is written anew beside the
// old one and renamed.
//
// What a process left unfinished that was killed, or the power, is cut off by the next one who
// appends. A file that was deleted, replaced or damaged is no journal any more: another one
// begins, and what was stored before is revalidated. So is a journal that was set back, by a
// backup say, once a process sees it that has read further. On a disk that is full or read-only
// purges fail and can be read; nobody can read where there is no journal yet.
//
// Where there is no flock, as on Windows, or the file system doesn't support it, only one
// process may append to a journal: two at once spoil it, and it begins anew.
//
// # Sharing
//
// Several processes may use a folder at the same time, such as the old and the new release
// during a deploy, if the disk is one of this machine. Each sees what the others write at
// once. Each keeps to the bound for the files that it knows of, and learns of the others'
// by hits and surveys; so the folder may exceed the bound by what was written since. Of two
// processes that replace the same entry at the same time, one wins; SetIfAbsent and
// SetIfNewer are atomic within a process only.
//
// # Deleting
//
// Files, subfolders or the whole folder may be deleted at any time, also while they are in
// use. To make a cache forget responses, purge them: it then refuses them wherever they stand.
package file
