# What takes minutes: the fuzz targets, more random programs.
check "fuzz the readers" make --no-print-directory fuzz
for machine in one tiny m3x5 acc20 m8x16 m16x8 edge; do
    check "500 random programs on $machine" build/qmac verify --random 500 --seed 1000 --machine $machine
    check "500 random programs on $machine with stalls" build/qmac verify --random 500 --seed 2000 --machine $machine --stalls 0.2
done
check "2000 random programs on edge" build/qmac verify --random 2000 --seed 7 --machine edge --stalls 0.05
