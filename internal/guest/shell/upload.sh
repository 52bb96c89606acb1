# stamp_place PATH MODE OWNER SIZE ENCODING CONTENT puts one file of an upload.
stamp_place() {
	{
		mkdir -p "$(dirname "$stamp_root$1")" && stamp_put "$stamp_root$1" "$5" "$6" &&
			stamp_size=$(wc -c <"$stamp_root$1") &&
			{ [ "$stamp_size" -eq "$4" ] || { echo "$1 has $stamp_size bytes, not $4: is the disk full?"; false; }; } &&
			{ [ -z "$3" ] || chown "$3" "$stamp_root$1"; } &&
			chmod "$2" "$stamp_root$1"
	} >>"$stamp_log" 2>&1 || { stamp_code=$?; stamp_fail; }
}
