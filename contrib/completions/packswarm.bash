# bash completion of packswarm(1)
_packswarm() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in fetch | status | explain | mirrors | peers | share | import | bundle | refresh | accept | prefetch | setup | doctor) command=$word && break ;; esac
    done
    case $prev in
        --socket | --input | --ca-file) COMPREPLY=($(compgen -f -- "$cur")) && return ;;
        --root | --to | --bundle) COMPREPLY=($(compgen -d -- "$cur")) && return ;;
        --for) COMPREPLY=($(compgen -W 'apt pacman' -- "$cur")) && return ;;
        --newer) COMPREPLY=($(compgen -W '1h 24h 7d' -- "$cur")) && return ;;
    esac
    local common='--socket --json --help'
    case $command in
        '') COMPREPLY=($(compgen -W "fetch status explain mirrors peers share import bundle refresh accept prefetch setup doctor --version $common" -- "$cur")) ;;
        fetch) COMPREPLY=($(compgen -W "--input --ca-file --quiet $common" -- "$cur") $(compgen -f -- "$cur")) ;;
        explain) COMPREPLY=($(compgen -W "--limit $common" -- "$cur")) ;;
        share) COMPREPLY=($(compgen -W "$common" -- "$cur") $(compgen -f -- "$cur")) ;;
        import) COMPREPLY=($(compgen -W "--apt --pacman --stdin --bundle --newer --root --quiet --background $common" -- "$cur") $(compgen -f -- "$cur")) ;;
        bundle) COMPREPLY=($(compgen -W "--to --for --private --quiet $common" -- "$cur")) ;;
        prefetch) COMPREPLY=($(compgen -W "status now on off $common" -- "$cur")) ;;
        accept) COMPREPLY=($(compgen -W "--older --expired --for $common" -- "$cur")) ;;
        setup) COMPREPLY=($(compgen -W "apt pacman internet --undo --dry-run --xfer --be-found --yes --gateway --root $common" -- "$cur")) ;;
        doctor) COMPREPLY=($(compgen -W "--root $common" -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W "$common" -- "$cur")) ;;
    esac
}
complete -F _packswarm packswarm
