# Character tables of small symmetric groups and single values of larger ones, written as JSON.
# Usage: gap -q characters_gap.g > characters_gap.json
#
# Rows and columns carry their partitions: CharacterParameters and ClassParameters of GAP's generic table
# "Symmetric". Single values come from CharValueSymmetric, with pseudo-random partitions from a fixed seed.

out := OutputTextUser();;
SetPrintFormattingStatus(out, false);;
write := function(arg) CallFuncList(PrintTo, Concatenation([out], arg)); end;;

compact := function(value)
    return Filtered(String(value), letter -> letter <> ' ');
end;;

write("{\n\"gap_version\": \"", GAPInfo.Version, "\",\n\"tables\": [\n");;
largest := 12;;
for n in [2 .. largest] do
    table := CharacterTable("Symmetric", n);
    rows := List(CharacterParameters(table), parameter -> parameter[2]);
    classes := List(ClassParameters(table), parameter -> parameter[2]);
    values := List(Irr(table), ValuesOfClassFunction);
    write("{\"n\": ", n, ",\n\"shapes\": ", compact(rows), ",\n\"cycle_types\": ", compact(classes),
          ",\n\"class_sizes\": ", compact(SizesConjugacyClasses(table)), ",\n\"values\": ", compact(values), "}");
    if n < largest then write(",\n"); else write("\n"); fi;
od;

# Parts are drawn one after another, so that no list of partitions is needed. CharValueSymmetric repeats shared work, so
# that many short cycles are out of its reach: few of length 1 to 3 in large n.
randomPartition := function(source, n, smallest, largest)
    local parts, rest;
    parts := [];
    rest := n;
    while rest > 0 do
        Add(parts, Random(source, Minimum(smallest, rest), Minimum(largest, rest)));
        rest := rest - parts[Length(parts)];
    od;
    Sort(parts, function(a, b) return a > b; end);
    return parts;
end;;

write("],\n\"single_values\": [\n");;
source := RandomSource(IsMersenneTwister, 2024);;
wanted := 300;; found := 0;; zeros := 0;;
while found < wanted do
    n := Random(source, 20, 60);
    shape := randomPartition(source, n, 1, 12);
    # A third of the cycle types have at most three different parts, that is long blocks of equal cycles.
    if found mod 3 = 0 then
        part := Random(source, 3, 8);
        cycle_type := randomPartition(source, n, part, part + 1);
    else
        cycle_type := randomPartition(source, n, 1, 15);
    fi;
    if Number(cycle_type, part -> part <= 3) <= 6 then
        value := CharValueSymmetric(n, BetaSet(shape), cycle_type);
        if value <> 0 or zeros < 20 then
            found := found + 1;
            if value = 0 then zeros := zeros + 1; fi;
            write("{\"shape\": ", compact(shape), ", \"cycle_type\": ", compact(cycle_type),
                  ", \"value\": ", value, "}");
            if found < wanted then write(",\n"); else write("\n"); fi;
        fi;
    fi;
od;
write("]\n}\n");;
QUIT;
