# stamp_fetch FILE URL
stamp_fetch() {
	if command -v curl >/dev/null 2>&1; then
		curl -sSf --connect-timeout 60 --speed-limit 1 --speed-time 60 -o "$1" "$2"
	elif command -v python3 >/dev/null 2>&1; then
		python3 -c 'import sys, shutil, urllib.request as u
with u.urlopen(sys.argv[2], timeout=60) as answer, open(sys.argv[1], "wb") as file: shutil.copyfileobj(answer, file)' "$1" "$2"
	elif command -v wget >/dev/null 2>&1; then
		wget -q -T 60 -O "$1" "$2"
	else
		echo "the source image has neither curl nor python3 nor wget"
		return 1
	fi
}

# stamp_take FILE SHA256 URL fetches what is staged there, in five attempts.
stamp_take() {
	stamp_try=1 stamp_code=1
	while :; do
		if stamp_fetch "$1" "$3" >"$stamp_log" 2>&1; then
			if [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$2" ]; then break; fi
			echo "what was fetched is not what was staged: its SHA-256 differs" >>"$stamp_log"
		fi
		[ "$stamp_try" -lt 5 ] || stamp_fail
		stamp_try=$((stamp_try + 1))
		sleep "$stamp_pause"
	done
}

# stamp_load NAME SHA256 URL fetches the script that is staged there, and becomes it.
stamp_load() {
	rm -rf "$stamp_staged"
	mkdir -p "$stamp_root/var/lib" && mkdir -m 0700 "$stamp_staged"
	stamp_how="exit" stamp_phase=staging stamp_name=$1
	stamp_log=$stamp_staged/output stamp_item=$stamp_staged
	stamp_take "$stamp_staged/packed" "$2" "$3"
	gzip -dc <"$stamp_staged/packed" >"$stamp_staged/script" 2>"$stamp_log" || stamp_fail
	rm -f "$stamp_staged/packed"
	exec /bin/sh "$stamp_staged/script"
}

# stamp_parcel NUMBER SHA256 URL NAME fetches what an upload consists of, once. Outside of an
# item it is the staging that fails.
stamp_parcel() {
	[ ! -e "$stamp_dir/item-$1/end" ] && [ ! -e "$stamp_parcels/$1" ] || return 0
	mkdir -p "$stamp_parcels"
	stamp_alone=
	if [ -z "$stamp_item" ]; then
		stamp_alone=yes stamp_item=$stamp_parcels stamp_log=$stamp_parcels/output stamp_phase=staging stamp_name=$4
		stamp_how="exit"
	fi
	stamp_take "$stamp_parcels/new" "$2" "$3"
	stamp_try=1 stamp_code=0
	mv -f "$stamp_parcels/new" "$stamp_parcels/$1"
	[ -z "$stamp_alone" ] || stamp_item=
}
