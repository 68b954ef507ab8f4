; requantize_product - what the proofs of requantize assume about products of full width, in unbounded integers: x and m are signed 32-bit
; numbers, b an addend of 32 bits; OFFSET moves it up by at most 31. The claim is negated: "unsat" means that it holds.
;   x m + b and x m + 2^31 b fit 64 bits, and so what lies between; x m is 2^62 when x = m = -2^31, and otherwise between -(2^62 - 2^31) and 2^62 - 2^31.
(set-logic QF_NIA)
(declare-const x Int)
(declare-const m Int)
(declare-const b Int)
(define-fun top () Int 2147483648)
(define-fun word ((v Int)) Bool (and (<= (- top) v) (< v top)))
(assert (and (word x) (word m) (word b)))
(define-fun p () Int (* x m))
(assert (not (and
    (<= (- (* 2 top top)) (+ p b))
    (< (+ p b) (* 2 top top))
    (<= (- (* 2 top top)) (+ p (* top b)))
    (< (+ p (* top b)) (* 2 top top))
    (ite (and (= x (- top)) (= m (- top))) (= p (* top top))
        (<= (- top (* top top)) p (- (* top top) top))))))
(check-sat)
