# What takes minutes: the fuzz targets, more random programs.
check "fuzz the readers" make --no-print-directory fuzz
check "2000 random programs on edge" build/qmac verify --random 2000 --seed 7 --machine edge --stalls 0.05
