import sys, time
from dataclasses import replace
from tests.sim.life import run_seed
def main():
    a=sys.argv[1:]
    first,count=int(a[0]),int(a[1])
    calm = len(a)>2 and a[2]=="calm"
    t=time.process_time(); bad=0
    tot={}
    for seed in range(first,first+count):
        r=run_seed(seed, change=(lambda p: replace(p, disturbances=())) if calm else None)
        for k,v in r.counts.items(): tot[k]=tot.get(k,0)+v
        if r.violations:
            bad+=1
            if bad<=30: print(seed, *[f"{v.invariant} {v.text[:260]}" for v in r.violations[:3]], sep="\n   ")
    dt=time.process_time()-t
    print(count,"seeds",bad,"bad",f"{dt/count*1000:.0f} ms/seed",tot)
    return 0
