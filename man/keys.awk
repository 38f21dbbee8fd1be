# Fills in manuals: awk -f man/keys.awk KEYS MANUAL, KEYS from pam-netns --keys.
# A line ".FILE PATH" becomes the text of that file. A line ".KEY NAME" becomes the heading of that key's
# entry, its sentence, what its words mean, its limits and its default.
BEGIN { FS = "\t" }

function escaped(text) {
	gsub(/-/, "\\-", text)
	return text
}

# Words are bold, what stands for a value is italic.
function bold(text) {
	text = escaped(text)
	gsub(/[A-Z]+/, "\\fI&\\fB", text)
	return "\\fB" text "\\fR"
}

function heading(key, count, i, line, part) {
	count = split(values[key], part, / \| /)
	line = "\\fB" key "\\fR ="
	for (i = 1; i <= count; i++)
		line = line (i > 1 ? " | " : " ") bold(part[i])
	return line
}

function entry(key, count, i, part, colon) {
	print ".TP"
	print heading(key)
	print sentence[key]
	count = split(words[key], part, "|")
	for (i = 1; i <= count; i++) {
		colon = index(part[i], ":")
		print "\\fB" substr(part[i], 1, colon - 1) "\\fR" substr(part[i], colon) "."
	}
	if (limits[key] != "")
		print limits[key]
	if (otherwise[key] == "")
		print "The key must be given."
	else
		print "The default is \\fB" escaped(otherwise[key]) "\\fR."
}

NR == FNR {
	values[$2] = $3
	otherwise[$2] = $4
	sentence[$2] = $5
	limits[$2] = $6
	words[$2] = $7
	next
}

/^\.KEY / {
	key = substr($0, 6)
	if (!(key in sentence)) {
		print FILENAME ":" FNR ": there is no key " key >"/dev/stderr"
		exit 1
	}
	entry(key)
	next
}

function file(path, line, result) {
	print ".PP\n.in +4n\n.EX"
	while ((result = (getline line <path)) > 0) {
		gsub(/\\/, "\\e", line)
		gsub(/\t/, "    ", line)
		print "\\&" escaped(line)
	}
	print ".EE\n.in"
	if (result < 0) {
		print FILENAME ":" FNR ": cannot read " path >"/dev/stderr"
		exit 1
	}
}

/^\.FILE / {
	file(substr($0, 7))
	next
}

{ print }
