stamp_secrets=

# stamp_no_secret NAME REASON ends a command whose secrets do not arrive.
stamp_no_secret() {
	stamp_say "fail secrets exit=1 how=exit attempts=1 $1"
	stamp_say "out 1 $2"
	stamp_close failed
}

# stamp_key makes this boot's key, unless there is one, and tells its public half. The
# other half never leaves the memory of this boot.
stamp_key() {
	command -v openssl >/dev/null 2>&1 || stamp_no_secret key "the source image has no openssl, which receives the secrets"
	if [ ! -s "$stamp_now/key" ]; then
		(umask 077 && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$stamp_now/key.new" 2>/dev/null &&
			mv "$stamp_now/key.new" "$stamp_now/key") || stamp_no_secret key "openssl makes no key"
	fi
	stamp_text=$(openssl pkey -in "$stamp_now/key" -pubout -outform DER | base64 | tr -d '\n')
	printf '%s\n' "stamp-$stamp_nonce key $stamp_text"
}

# stamp_secret NAME CHUNK... sets a variable to what was sealed for this boot's key.
stamp_secret() {
	stamp_secrets="$stamp_secrets $1"
	stamp_name=$1 stamp_text=
	shift
	for stamp_each in "$@"; do
		# The dot keeps line breaks at the end, which the shell would drop.
		stamp_each=$(printf '%s' "$stamp_each" | base64 -d | openssl pkeyutl -decrypt -inkey "$stamp_now/key" \
			-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256 2>/dev/null && echo .)
		case $stamp_each in
		*.) stamp_text=$stamp_text${stamp_each%.} ;;
		*) stamp_no_secret "$stamp_name" "it was sealed for another boot of this machine" ;;
		esac
	done
	eval "export $stamp_name=\"\$stamp_text\""
	stamp_text=
}

# stamp_mask hides the secrets in what a script has printed, line by line: all that any of
# their lines covers. Lines of fewer than three characters are no secrets. Where the
# beginning is missing ($stamp_cut), the rest of its line may be the half of a secret.
stamp_mask() {
	# shellcheck disable=SC2016 # it is awk's program
	STAMP_SECRETS=$stamp_secrets STAMP_CUT=$stamp_cut LC_ALL=C awk '
		function clean(text) {
			gsub(/\033\[[0-?]*[ -\/]*[@-~]/, "", text)
			gsub(/[\001-\010\013-\037\177]/, "", text)
			gsub(/\302[\200-\237]|\330\234|\342\200[\216\217\252-\256]|\342\201[\246-\251]/, "", text)
			return text
		}
		function shown(text, from,    i, at, begin, done, last, result) {
			last = length(text)
			split("", covered)
			for (i = 1; i <= count; i++) {
				begin = 1
				done = 0
				while ((at = index(substr(text, begin), hidden[i])) > 0) {
					at += begin - 1
					for (begin = at > done ? at : done + 1; begin < at + size[i]; begin++) covered[begin] = 1
					done = at + size[i] - 1
					begin = at + 1
				}
			}
			result = ""
			begin = from
			for (at = from; at <= last; at++) {
				if (!(at in covered)) continue
				if (at > begin || at == from || !((at - 1) in covered)) result = result substr(text, begin, at - begin) "***"
				begin = at + 1
			}
			return result substr(text, begin)
		}
		BEGIN {
			names = split(ENVIRON["STAMP_SECRETS"], name, " ")
			longest = 1
			for (i = 1; i <= names; i++) {
				lines = split(ENVIRON[name[i]], line, "\n")
				for (j = 1; j <= lines; j++) {
					line[j] = clean(line[j])
					if (length(line[j]) < 3) continue
					hidden[++count] = line[j]
					size[count] = length(line[j])
					if (size[count] > longest) longest = size[count]
				}
			}
			cut = ENVIRON["STAMP_CUT"]
		}
		NR == 1 && cut { first = clean($0); next }
		{ print shown(clean($0), 1) }
		END { if (NR == 1 && cut) print shown(first, longest) }'
}
