# stamp_into PATH goes into a directory, part by part, and makes what is missing of it. A
# user of the machine may have put a link to somewhere else in the way: only root's links
# are followed, and what is no link must be where it seems to be once we are in it.
stamp_into() {
	cd "${stamp_root:-/}" || return
	stamp_rest=$1 stamp_links=0
	while [ -n "$stamp_rest" ]; do
		stamp_next=${stamp_rest%%/*}
		case $stamp_rest in */*) stamp_rest=${stamp_rest#*/} ;; *) stamp_rest= ;; esac
		case $stamp_next in '' | .) continue ;; esac
		if [ -L "./$stamp_next" ]; then
			stamp_links=$((stamp_links + 1))
			case $(stat -c %u "./$stamp_next"):$stamp_links in
			0:41 | "$stamp_me":41) echo "$1: too many symbolic links" && return 1 ;;
			0:* | "$stamp_me":*) ;;
			*) echo "$1: $stamp_next is a symbolic link that is not root's, and only root's are followed" && return 1 ;;
			esac
			stamp_rest=$(readlink "./$stamp_next")/$stamp_rest
			case $stamp_rest in /*) cd "${stamp_root:-/}" || return ;; esac
		elif [ "$stamp_next" = .. ]; then
			cd -P .. || return
		else
			[ -d "./$stamp_next" ] || mkdir "./$stamp_next" || return
			stamp_above=$(pwd -P)
			cd -P "./$stamp_next" || return
			[ "$(pwd -P)" = "${stamp_above%/}/$stamp_next" ] || { echo "$1: $stamp_next was replaced by a link" && return 1; }
		fi
	done
}

# stamp_folder PATH OWNER makes a directory of an upload. One that is there keeps its owner.
stamp_folder() {
	stamp_me=$(id -u)
	stamp_new=
	[ -d "$stamp_root$1" ] || stamp_new=$2
	(stamp_into "$1" && { [ -z "$stamp_new" ] || chown "$stamp_new" .; }) >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
}

# stamp_place PATH MODE OWNER SIZE ENCODING CONTENT puts one file of an upload.
stamp_place() {
	stamp_me=$(id -u)
	(stamp_lay "$@") >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
}

# stamp_lay makes the file complete in a directory that nobody else can enter, beside its
# place, and then moves it there: over a link, and not to where the link leads.
stamp_lay() {
	stamp_leaf=${1##*/}
	stamp_into "${1%/*}" || return
	[ -L "./$stamp_leaf" ] || [ ! -d "./$stamp_leaf" ] || { echo "$1 is a directory" && return 1; }
	stamp_nest=$(mktemp -d ./.stamp-XXXXXXXX) && cd -P "$stamp_nest" || return
	[ "$(stat -c %u:%a .)" = "$stamp_me:700" ] || { echo "$1: its directory is being changed" && return 1; }
	(umask 077 && stamp_content "$5" "$6" >file) && stamp_whole "$1" "$4" &&
		{ [ -z "$3" ] || chown "$3" file; } && chmod "$2" file && stamp_move "../$stamp_leaf"
	stamp_code=$?
	rm -f file
	cd -P .. && rmdir "$stamp_nest"
	command -v restorecon >/dev/null 2>&1 && restorecon "./$stamp_leaf"
	return "$stamp_code"
}

# stamp_whole PATH SIZE
stamp_whole() {
	stamp_size=$(wc -c <file) || return
	[ "$stamp_size" -eq "$2" ] || { echo "$1 has $stamp_size bytes, not $2: is the disk full?" && return 1; }
}

# stamp_move PATH moves the file there. Not every "mv" can be told that it is no directory.
stamp_move() {
	if : >probe && mv -T probe file.probe 2>/dev/null; then
		rm -f file.probe
		mv -f -T file "$1"
	else
		rm -f probe "$1"
		mv -f file "$1"
	fi
}

# stamp_enclosed NUMBER CONTENT keeps a parcel that is in the script.
stamp_enclosed() {
	mkdir -p "$stamp_parcels"
	(umask 077 && stamp_content base64 "$2" >"$stamp_parcels/$1") 2>>"$stamp_log" || { stamp_code=$?; stamp_fail; }
}

# stamp_unpack DESTINATION OWNER NUMBER MODE puts the directory that is in the parcel. MODE is
# given where a change of the owner would take some of it away.
stamp_unpack() {
	stamp_me=$(id -u)
	stamp_to=$1 stamp_for=$2 stamp_from=$stamp_parcels/$3 stamp_mode=$4
	stamp_later=$stamp_dir/later
	rm -f "$stamp_later"
	(stamp_spread '') >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
	while [ -s "$stamp_later" ]; do
		mv -f "$stamp_later" "$stamp_later.now"
		(. "$stamp_later.now") >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
	done
	rm -f "$stamp_later.now"
}

# stamp_spread BELOW unpacks what is BELOW in the parcel, in a directory that nobody else can
# enter, beside its place, and then moves it there: what is new in one go with all that is in
# it. What is there already is noted, to be gone into later. The owner is set inside of that
# directory, which stays ours.
stamp_spread() {
	stamp_into "$stamp_to/$1" || return
	stamp_nest=$(mktemp -d ./.stamp-XXXXXXXX) && cd -P "$stamp_nest" || return
	[ "$(stat -c %u:%a .)" = "$stamp_me:700" ] || { echo "$stamp_to/$1: its directory is being changed" && return 1; }
	mkdir in && cd in || return
	stamp_up=../../
	stamp_untar "$1" && { [ -z "$stamp_for" ] || chown -R "$stamp_for" .; } &&
		{ [ -z "$stamp_mode" ] || find . -type f -exec chmod "$stamp_mode" {} +; } && stamp_lift "$1"
	stamp_code=$?
	cd "$stamp_up" && rm -rf "$stamp_nest"
	return "$stamp_code"
}

# stamp_untar BELOW unpacks to where we are. Times are not kept, as with every other file of
# an upload. Not every "tar" takes a name with wildcards in it for that name: then it is all.
stamp_untar() {
	if command -v tar >/dev/null 2>&1; then
		stamp_only=$1
		case $1 in *[][*?\\]*) stamp_only= ;; esac
		gzip -dc <"$stamp_from" | tar -x -p -o -m -f - ${stamp_only:+-- "$stamp_only"}
	elif command -v python3 >/dev/null 2>&1; then
		python3 -c 'import sys, tarfile
archive, below = tarfile.open(sys.argv[1], "r:gz"), sys.argv[2]
archive.utime = archive.chown = lambda *_: None
archive.extraction_filter = lambda each, _: each
for each in archive:
    if not below or each.name == below or each.name.startswith(below + "/"): archive.extract(each)' "$stamp_from" "$1"
	else
		echo "the source image has neither tar nor python3, and needs one of them for an upload of this size"
		return 1
	fi
}

# stamp_lift BELOW moves what was unpacked up to its place.
stamp_lift() {
	cd -P "./$1" || return
	stamp_below=$1 stamp_rest=$1
	while [ -n "$stamp_rest" ]; do
		stamp_up=../$stamp_up
		case $stamp_rest in */*) stamp_rest=${stamp_rest#*/} ;; *) stamp_rest= ;; esac
	done
	set --
	for stamp_leaf in ./* ./.[!.]* ./..?*; do
		[ -e "$stamp_leaf" ] || continue
		if [ ! -d "$stamp_leaf" ]; then
			[ -L "$stamp_up$stamp_leaf" ] || [ ! -d "$stamp_up$stamp_leaf" ] ||
				{ echo "$stamp_to/$stamp_below${stamp_below:+/}${stamp_leaf#./} is a directory" && return 1; }
		elif [ -d "$stamp_up$stamp_leaf" ] || [ -L "$stamp_up$stamp_leaf" ]; then
			printf 'stamp_spread %s || exit\n' "$(stamp_quote "$stamp_below${stamp_below:+/}${stamp_leaf#./}")" >>"$stamp_later"
			continue
		fi
		set -- "$@" "$stamp_leaf"
		[ $# -lt 200 ] || { stamp_raise "$@" && set --; } || return
	done
	[ $# -eq 0 ] || stamp_raise "$@"
}

# stamp_raise NAME... moves these up. An error of restorecon is none of ours.
stamp_raise() {
	mv -f "$@" "$stamp_up" || return
	! command -v restorecon >/dev/null 2>&1 || (cd "$stamp_up" && restorecon -R "$@") || :
}
