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

# stamp_folder PATH makes the directory that an upload goes to.
stamp_folder() {
	stamp_me=$(id -u)
	(stamp_into "$1") >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
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
