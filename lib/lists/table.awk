# Makes C tables of the shipped lists: sorted names, so that a look-up is a binary search and start-up
# reads no file. Input: the .txt files, sorted by sort(1); lines are "list<TAB>name[<TAB>number]".
BEGIN { print "/* generated from lib/lists by lib/lists/table.awk */\n#include \"leadpipe/lists.h\"" }
function finish() {
    if (list != "")
        printf "};\nconst struct lp_lists_table lp_lists_data_%s = {%s_names, %d};\n", list, list, n
}
$1 != list { finish(); list = $1; n = 0; printf "static const struct lp_lists_name %s_names[] = {\n", list }
{ printf "    {\"%s\", %d, %d},\n", $2, length($2), $3; n++ }
END { finish() }
