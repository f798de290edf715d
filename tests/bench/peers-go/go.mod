module flare/bench/peer

go 1.19
