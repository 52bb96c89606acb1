# stamp_as USER sets what a script is started by and begins with, so that it runs as that
# user, with the environment of its login, in its home.
stamp_as() {
	stamp_entry=$(getent passwd "$1" 2>/dev/null) || stamp_entry=$(grep "^$1:" /etc/passwd) ||
		{ echo "there is no user $1 on this machine" >&2; return 1; }
	IFS=: read -r stamp_account stamp_text stamp_owner stamp_gid stamp_text stamp_home stamp_shell <<-END
		$stamp_entry
	END
	rm -rf "$stamp_desk"
	mkdir -m 0711 "$stamp_desk" || return
	stamp_start=$stamp_dir/login
	# shellcheck disable=SC2016 # it is the user's shell that expands
	stamp_enter='cd "$HOME" 2>/dev/null || cd /'
	{
		printf 'HOME=%s USER=%s LOGNAME=%s SHELL=%s\nexport HOME USER LOGNAME SHELL\n' \
			"$stamp_home" "$stamp_account" "$stamp_account" "$stamp_shell"
		case ${stamp_shell##*/} in
		sh | bash | dash | ash | ksh | zsh | fish) stamp_shell="$stamp_shell -l -c" ;;
		*) stamp_shell="/bin/sh -l -c" ;;
		esac
		if setpriv --help 2>/dev/null | grep -q -e --init-groups; then
			echo "exec setpriv --reuid $stamp_owner --regid $stamp_gid --init-groups $stamp_shell $stamp_desk/run"
		elif command -v runuser >/dev/null 2>&1; then
			echo "exec runuser -u $stamp_account -- $stamp_shell $stamp_desk/run"
		else
			echo "exec su -s /bin/sh $stamp_account -c '$stamp_shell $stamp_desk/run'"
		fi
	} >"$stamp_start"
	chmod 0700 "$stamp_start"
}
