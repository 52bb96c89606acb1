# stamp_as USER sets what a script is started by and begins with, so that it runs as that
# user, with the environment of its login, in its home. What passwd says may come from a
# directory service: it is quoted.
stamp_as() {
	stamp_entry=$(getent passwd "$1" 2>/dev/null) || stamp_entry=$(grep "^$1:" /etc/passwd) ||
		{ echo "there is no user $1 on this machine" >&2; return 1; }
	IFS=: read -r stamp_account stamp_text stamp_owner stamp_gid stamp_text stamp_home stamp_shell <<-END
		$stamp_entry
	END
	case $stamp_owner:$stamp_gid in
	*[!0-9:]* | :* | *:) echo "passwd has no numbers for the user $1" >&2; return 1 ;;
	esac
	rm -rf "$stamp_desk"
	mkdir -m 0711 "$stamp_desk" || return
	stamp_start=$stamp_now/bench/login
	# shellcheck disable=SC2016 # it is the user's shell that expands
	stamp_enter='cd "$HOME" 2>/dev/null || cd /'
	stamp_account=$(stamp_quote "$stamp_account")
	stamp_own=$(stamp_quote "$stamp_shell")
	case ${stamp_shell##*/} in
	sh | bash | dash | ash | ksh | zsh | fish) ;;
	*) stamp_shell=/bin/sh ;;
	esac
	stamp_shell="$(stamp_quote "$stamp_shell") -l -c $(stamp_quote "exec /bin/sh $stamp_desk/run")"
	{
		printf 'HOME=%s USER=%s LOGNAME=%s SHELL=%s\nexport HOME USER LOGNAME SHELL\n' \
			"$(stamp_quote "$stamp_home")" "$stamp_account" "$stamp_account" "$stamp_own"
		if setpriv --help 2>/dev/null | grep -q -e --init-groups; then
			printf 'exec setpriv --reuid %s --regid %s --init-groups %s\n' "$stamp_owner" "$stamp_gid" "$stamp_shell"
		elif command -v runuser >/dev/null 2>&1; then
			printf 'exec runuser -u %s -- %s\n' "$stamp_account" "$stamp_shell"
		else
			printf 'exec su -s /bin/sh %s -c %s\n' "$stamp_account" "$(stamp_quote "exec $stamp_shell")"
		fi
	} >"$stamp_start"
}
