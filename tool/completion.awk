# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# From the --help of all commands, behind lines "@command NAME", to the completion of
# bash, zsh or fish (shell=...).
#
# A line of help "  -x, --name VALUE  text" is an option, lines below it with no option
# go on with its text.  The word VALUE tells what completes it.  An option that is
# named below the first paragraph, as in "--memory is as for dmag plan", has the value
# and text of plan's.

BEGIN {
	values["WHEN"] = "always never auto"
	values["ARCH"] = "arm64 arm riscv x86"
	# Kinds of files: the end of their names, * for any, / for folders.
	files["FILE"] = files["FILE.tar"] = files["LOG"] = files["RECORD"] = "*"
	files["BOARD"] = "dt[bs]"
	files["FILE.dtbo"] = "dtbo"
	files["DIR"] = "/"
	if (shell !~ /^(bash|zsh|fish)$/) {
		print "completion: no such shell: " shell >"/dev/stderr"
		failed = 1
		exit 1
	}
}

function add_option(name, short, value, text)
{
	if ((command, name) in has)
		return
	has[command, name] = 1
	option[command, ++nr_options[command]] = name
	shorts[command, name] = short
	value_of[command, name] = value
	text_of[command, name] = text
}

# Options of plan that another command's text names.
function inherit(line,    name)
{
	while (match(line, /--[a-z][a-z-]*/)) {
		name = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (command != "plan" && ("plan", name) in has)
			add_option(name, shorts["plan", name], value_of["plan", name],
				   text_of["plan", name])
	}
}

/^@command / {
	command = $2
	commands[++nr_commands] = command
	last = ""
	next
}

# The arguments, by the words of the usage: "OLD NEW", "BOARD.dtb|BOARD.dts...", "[LOG]".
/^(usage:|      ) *dmag / {
	if (/OLD|BOARD/)
		argument[command] = "BOARD"
	else if (/\[(LOG|RECORD)\]$/)
		argument[command] = "LOG"
	inherit($0)
	next
}

/^  (-[a-zA-Z],|   ) --/ {
	last = $1 ~ /^--/ ? $1 : $2
	short = $1 ~ /^--/ ? "" : substr($1, 1, 2)
	head = substr($0, index($0, last) + length(last))
	value = match(head, /^ [^ ]+/) ? substr(head, 2, RLENGTH - 1) : ""
	if (value != "")
		head = substr(head, RLENGTH + 1)
	sub(/^ +/, "", head)
	add_option(last, short, value, head)
	next
}

/^          / && last != "" {
	sub(/^ +/, "")
	text_of[command, last] = text_of[command, last] " " $0
	next
}

{
	last = ""
	if (/^$/)
		paragraph[command]++
	else if (paragraph[command] == 1)
		summary[command] = summary[command] (summary[command] == "" ? "" : " ") $0
	else
		inherit($0)
}

# The first sentence.
function about(command,    text)
{
	text = summary[command]
	sub(/\. .*/, "", text)
	sub(/\.$/, "", text)
	return text
}

# Within single quotes; zsh's specifications also give : and [ ] a meaning.
function quoted(text)
{
	gsub(/'/, shell == "fish" ? "\\'" : "'\\''", text)
	if (shell == "zsh")
		gsub(/[\[\]:]/, "\\\\&", text)
	return text
}

# ---- bash ---------------------------------------------------------------

function bash_files(kind)
{
	if (kind == "*")
		return "compopt -o default"
	if (kind == "/")
		return "compopt -o dirnames"
	return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -X '!*." kind "' -- \"$cur\"; compgen -d -- \"$cur\")"
}

function bash_value(value)
{
	if (value in values)
		return "mapfile -t COMPREPLY < <(compgen -W '" values[value] "' -- \"$cur\")"
	return value in files ? bash_files(files[value]) : "" # not even files
}

function bash_command(command,    i, name, words)
{
	print "\t" command ")"
	print "\t\tcase $prev in"
	for (i = 1; i <= nr_options[command]; i++) {
		name = option[command, i]
		words = words (i > 1 ? " " : "") name
		if (value_of[command, name] == "")
			continue
		print "\t\t" (shorts[command, name] ? shorts[command, name] " | " : "") name ")"
		if (bash_value(value_of[command, name]) != "")
			print "\t\t\t" bash_value(value_of[command, name])
		print "\t\t\treturn\n\t\t\t;;"
	}
	print "\t\tesac"
	print "\t\tcase $cur in"
	print "\t\t-*) mapfile -t COMPREPLY < <(compgen -W '" words "' -- \"$cur\") ;;"
	if (command in argument)
		print "\t\t*) " bash_value(argument[command]) " ;;"
	print "\t\tesac\n\t\t;;"
}

function bash(    i, words)
{
	for (i = 1; i <= nr_commands; i++)
		words = words commands[i] " "
	print "_dmag()\n{"
	print "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}"
	print "\tCOMPREPLY=()"
	print "\tif [ \"$COMP_CWORD\" -eq 1 ]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -W '" words "--help --version' -- \"$cur\")"
	print "\t\treturn\n\tfi"
	print "\tcase ${COMP_WORDS[1]} in"
	for (i = 1; i <= nr_commands; i++)
		bash_command(commands[i])
	print "\tesac\n}"
	print "complete -F _dmag dmag"
}

# ---- zsh ----------------------------------------------------------------

function zsh_value(value)
{
	if (value in values)
		return "(" values[value] ")"
	if (!(value in files))
		return " "
	if (files[value] == "*")
		return "_files"
	return files[value] == "/" ? "_files -/" : "_files -g \"*." files[value] "\""
}

function zsh_command(command,    i, name, short, spec)
{
	print "\t\t" command ")"
	printf "\t\t\t_arguments"
	for (i = 1; i <= nr_options[command]; i++) {
		name = option[command, i]
		short = shorts[command, name]
		spec = "[" quoted(text_of[command, name]) "]"
		if (value_of[command, name] != "")
			spec = spec ":" quoted(value_of[command, name]) ":" zsh_value(value_of[command, name])
		# Options that take a value may be given again.
		printf " \\\n\t\t\t\t"
		printf value_of[command, name] == "" ? "" : "'*'"
		printf "%s'%s'", short ? "{" short "," name "}" : name, spec
	}
	if (command in argument)
		printf " \\\n\t\t\t\t'*:%s:%s'", tolower(argument[command]), zsh_value(argument[command])
	print "\n\t\t\t;;"
}

function zsh(    i)
{
	print "_dmag()\n{"
	print "\tlocal curcontext=$curcontext state line"
	print "\tlocal -a commands=("
	for (i = 1; i <= nr_commands; i++)
		print "\t\t'" commands[i] ":" quoted(about(commands[i])) "'"
	print "\t)"
	print "\t_arguments -C '(- *)--help[print this]' '(- *)--version[print the version]' \\"
	print "\t\t'1:command:->command' '*::argument:->argument'"
	print "\tcase $state in"
	print "\tcommand) _describe command commands ;;"
	print "\targument)"
	print "\t\tcase $words[1] in"
	for (i = 1; i <= nr_commands; i++)
		zsh_command(commands[i])
	print "\t\tesac\n\t\t;;\n\tesac\n}"
	print "_dmag \"$@\""
}

# ---- fish ---------------------------------------------------------------

# Files whose names end so, and folders on the way to them.
function fish_files(kind)
{
	if (kind == "dt[bs]")
		return "-F -a '(__fish_complete_suffix .dtb; __fish_complete_suffix .dts)' -k"
	if (kind == "/")
		return "-a '(__fish_complete_directories)'"
	return kind == "*" ? "-F" : "-F -a '(__fish_complete_suffix ." kind ")' -k"
}

function fish_value(value)
{
	if (value in values)
		return "-x -a '" values[value] "'"
	return value in files ? "-r " fish_files(files[value]) : "-x"
}

function fish_command(command,    i, name, value, when)
{
	when = "complete -c dmag -n '__fish_seen_subcommand_from " command "' "
	for (i = 1; i <= nr_options[command]; i++) {
		name = option[command, i]
		value = value_of[command, name]
		print when (shorts[command, name] ? "-s " substr(shorts[command, name], 2) " " : "") \
			"-l " substr(name, 3) " " (value == "" ? "" : fish_value(value) " ") \
			"-d '" quoted(text_of[command, name]) "'"
	}
	if (command in argument)
		print when fish_files(files[argument[command]])
}

function fish(    i)
{
	print "complete -c dmag -f"
	print "complete -c dmag -n __fish_use_subcommand -l help -d 'print this'"
	print "complete -c dmag -n __fish_use_subcommand -l version -d 'print the version'"
	for (i = 1; i <= nr_commands; i++)
		print "complete -c dmag -n __fish_use_subcommand -a " commands[i] \
			" -d '" quoted(about(commands[i])) "'"
	for (i = 1; i <= nr_commands; i++)
		fish_command(commands[i])
}

END {
	if (failed)
		exit 1
	if (shell == "zsh")
		print "#compdef dmag"
	print "# Completion of dmag(1), made from its --help by completion.sh."
	if (shell == "bash")
		bash()
	else if (shell == "zsh")
		zsh()
	else
		fish()
}
