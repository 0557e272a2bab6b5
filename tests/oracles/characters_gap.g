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
largest := 11;;
for n in [2 .. largest] do
    table := CharacterTable("Symmetric", n);
    rows := List(CharacterParameters(table), parameter -> parameter[2]);
    classes := List(ClassParameters(table), parameter -> parameter[2]);
    values := List(Irr(table), ValuesOfClassFunction);
    write("{\"n\": ", n, ",\n\"shapes\": ", compact(rows), ",\n\"cycle_types\": ", compact(classes),
          ",\n\"class_sizes\": ", compact(SizesConjugacyClasses(table)), ",\n\"values\": ", compact(values), "}");
    if n < largest then write(",\n"); else write("\n"); fi;
od;

# CharValueSymmetric repeats shared work, so that many short cycles are out of its reach: at most six of length 2 or 3.
write("],\n\"single_values\": [\n");;
source := RandomSource(IsMersenneTwister, 2024);;
wanted := 240;; found := 0;; zeros := 0;;
while found < wanted do
    n := Random(source, 20, 40);
    shape := Random(source, Partitions(n));
    cycle_type := Random(source, Partitions(n));
    if Number(cycle_type, part -> part in [2, 3]) <= 6 then
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
