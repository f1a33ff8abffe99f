# SPDX-License-Identifier: (MIT OR GPL-2.0)
#
# complete.zsh DIR WORD...: print what zsh offers to complete the last word, with the
# functions in DIR.  Only a line editor completes, so a second zsh runs on a terminal.

zmodload zsh/zpty
dir=$1
shift
zpty inner zsh -f -i

# Candidates go to the terminal between two marks; ^I asks for them.
zpty -w inner "PROMPT= PS2= RPROMPT=; stty -echo; unsetopt zle_bracketed_paste beep
fpath=($dir \$fpath)
autoload -Uz compinit && compinit -D -u
compadd() {
	[[ \$@ == *-[OAD]\ * ]] && { builtin compadd \"\$@\"; return }
	local -a found
	builtin compadd -A found \"\$@\"
	print -rl -- '' \$found
	builtin compadd \"\$@\"
}
finished() { print -r -- '<'end'>'; exit }
compprefuncs=() comppostfuncs=(finished)
zstyle ':completion:*' list-prompt ''
bindkey '^I' list-choices
print -r -- '<'begin'>'"
zpty -r inner seen '*<begin>*'
zpty -w -n inner "$*"$'\t'
zpty -r inner seen '*<end>*'
zpty -d inner
print -r -- "$seen" | tr -d '\r' | sed -n 's/^.*\(--[a-z][a-z-]*\)$/\1/p; s/^\([a-z][^ ]*\)$/\1/p'
